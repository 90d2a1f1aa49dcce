/* expect: realloc: invalid pointer: into the middle sizes=small,large,huge */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(realloc(hide(p + 48), 10));
}
