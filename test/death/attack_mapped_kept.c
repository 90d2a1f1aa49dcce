/* expect: harmless sizes=huge plain */
/* A mapping that was freed and is kept for reuse is written over, header and number: the
 * next block of its size comes from there. */
#include "death.h"

void misuse(size_t bytes)
{
    char *victim = malloc(bytes), *p = malloc(bytes), *q = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    uint64_t number = header(victim)[-1], head = *header(victim);
    free(p);
    free(q);
    for (int i = 0; i < 2; i++) {
        uint64_t *at = header(i == 0 ? p : q);
        at[-1] = number;
        at[0] = i == 0 ? head : (head & ~(uint64_t)0xffffff) | 0xfffff2;
        at[1] = at[2] = (uint64_t)victim;
    }
    try_to_profit(bytes);
    free(victim);
    try_to_profit(bytes);
}
