/* expect: overwritten header | heap underflow sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    char *q = malloc(bytes), *p = malloc(bytes);
    memset((char *)hide(p) - 32, 70, 32);
    free(p);
    free(q);
}
