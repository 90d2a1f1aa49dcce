/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G */
/* The list of dirty chunks and the range of clean pages of a large free chunk. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(9 * bytes), *victim = malloc(bytes);
    memset(p, 1, 9 * bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(p);
    uint64_t *tail = hide(p);
    tail[4] = tail[5] = (uint64_t)victim;
    tail[6] = (uint64_t)victim / 4096 * 4096;
    tail[7] = tail[6] + 8192;
    try_to_profit(bytes);
}
