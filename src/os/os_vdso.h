/*
 * The kernel's own code for the clock (vdso(7)), called without going through libc's name:
 * libraries that are preloaded to fake the time wrap that, and allocate inside.
 */
#ifndef CHUNKY_OS_VDSO_H
#define CHUNKY_OS_VDSO_H

#include <time.h>

typedef int vdso_clock(clockid_t clock, struct timespec *now);

/* NULL where the kernel offers none, or under another name. */
vdso_clock *vdso_find_clock(void);

#endif
