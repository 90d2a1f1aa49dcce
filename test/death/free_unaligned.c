/* expect: into the middle | not aligned */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(hide(p + 1));
}
