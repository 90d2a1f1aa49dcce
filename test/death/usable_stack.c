/* expect: malloc_usable_size: invalid pointer: to the stack sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    char p[64];
    memset(p, (int)bytes, sizeof p);
    printf("%zu\n", malloc_usable_size(hide((char *)(((uintptr_t)p + 31) / 16 * 16))));
}
