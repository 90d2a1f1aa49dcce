/* expect: malloc_usable_size: invalid pointer: into the middle sizes=small,large,huge */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    printf("%zu\n", malloc_usable_size(hide(p + 32)));
}
