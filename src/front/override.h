/* Whether the process's malloc is this one. */
#ifndef CHUNKY_FRONT_OVERRIDE_H
#define CHUNKY_FRONT_OVERRIDE_H

#include <stdbool.h>

/* False beside another malloc: opened by dlopen, behind another preloaded one, linked for
 * the chunky_ calls alone. Such a malloc may move the break at any time, and sbrk of two
 * threads at once hands the same memory to both. Asked by calloc's address: who replaces
 * malloc must replace it too, and programs hardly ever take it. */
bool override_won(void);

#endif
