/* expect: harmless sizes=tiny,small,large */
/* What would be links in a cached block is written over: the cache has none there. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *q = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(q);
    free(p);
    for (size_t i = 0; i + 8 <= bytes; i += 8)
        *(uint64_t *)(hide(p + i)) = (uint64_t)victim;
    try_to_profit(bytes);
}
