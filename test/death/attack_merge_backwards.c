/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* P cleared and prev_size forged: the block shall merge over the live one before
 * it. */
#include "death.h"

void misuse(size_t bytes)
{
    char *victim = malloc(bytes), *p = malloc(bytes), *wall = malloc(bytes);
    memset(victim, 0x11, bytes);
    *(uint64_t *)(p - 16) = (bytes + 23) / 16 * 16;
    guard_range(victim, bytes / 2);
    *header(p) &= ~(uint64_t)HEADER_P;
    free(p);
    try_to_profit(2 * bytes);
    free(wall);
}
