/* expect: into the middle sizes=small,large,huge */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(hide(p + 32));
}
