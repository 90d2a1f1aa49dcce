/* expect: harmless sizes=huge */
/* Two mapped blocks have exchanged their numbers, and both are freed. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *q = malloc(2 * bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    uint64_t number = *(uint64_t *)hide(p - 16);
    *(uint64_t *)hide(p - 16) = *(uint64_t *)hide(q - 16);
    *(uint64_t *)hide(q - 16) = number;
    free(p);
    free(q);
    try_to_profit(bytes);
}
