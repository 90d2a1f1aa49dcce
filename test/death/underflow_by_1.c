/* expect: overwritten header */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    ((volatile char *)hide(p))[-1] ^= 1;
    free(p);
}
