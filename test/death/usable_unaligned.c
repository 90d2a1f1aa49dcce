/* expect: into the middle | not aligned */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    printf("%zu\n", malloc_usable_size(hide(p + 1)));
}
