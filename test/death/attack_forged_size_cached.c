/* expect: harmless sizes=tiny,small */
/* The same with a block that is free already. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(p);
    *header(p) += 64;
    try_to_profit(bytes);
}
