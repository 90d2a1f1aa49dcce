/* expect: harmless sizes=small */
/* A whole chunk on the stack, with the header of a real block. */
#include "death.h"

void misuse(size_t bytes)
{
    uint64_t fake[64] = {0};
    char *p = malloc(bytes);
    guard_range(fake, sizeof fake);
    fake[1] = *header(p);
    fake[17] = 0x21;
    free(hide(&fake[2]));
    try_to_profit(bytes);
}
