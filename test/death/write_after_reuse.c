/* expect: use after free: write level=3 sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    char *q = malloc(bytes);
    ((volatile char *)hide(p))[0] = 1;
    free(q);
}
