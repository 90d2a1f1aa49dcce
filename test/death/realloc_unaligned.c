/* expect: into the middle | not aligned */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(realloc(hide(p + 1), 10));
}
