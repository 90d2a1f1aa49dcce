/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G */
/* What realloc cut off a block is written over through the old bounds: its links lead to a
 * live block, its size grows over the next one. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(4 * bytes), *victim = malloc(bytes), *wall = malloc(40);
    memset(victim, 0, bytes);
    guard_range(victim, bytes);
    p = realloc(p, bytes);
    uint64_t *rest = (uint64_t *)(hide(p + (bytes + 23) / 16 * 16));
    rest[-1] = (rest[-1] & ~(uint64_t)0xffff) + 4 * bytes + HEADER_P;
    rest[0] = (uint64_t)victim - 24;
    rest[1] = (uint64_t)victim - 16;
    rest[2] = rest[3] = (uint64_t)victim;
    try_to_profit(2 * bytes);
    free(p);
    free(wall);
    try_to_profit(3 * bytes);
}
