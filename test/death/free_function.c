/* expect: to a global sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    (void)bytes;
    free(hide((char *)(((uintptr_t)&malloc_trim + 31) / 16 * 16)));
}
