/* expect: to a global sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    static char p[64] = {1};
    p[33] = (char)bytes;
    free(hide((char *)(((uintptr_t)p + 31) / 16 * 16)));
}
