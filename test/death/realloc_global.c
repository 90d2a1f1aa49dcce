/* expect: realloc: invalid pointer: to a global sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    static char p[64] = {1};
    p[0] = (char)bytes;
    free(realloc(hide((char *)(((uintptr_t)p + 31) / 16 * 16)), 10));
}
