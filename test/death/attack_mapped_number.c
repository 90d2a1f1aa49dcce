/* expect: harmless sizes=huge */
/* The number of a mapped block leads to another record. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *(uint64_t *)(p - 16) = *(uint64_t *)(victim - 16);
    free(p);
    try_to_profit(bytes);
}
