/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G */
/* All of a large free chunk claims to be clean, so that no list of dirty chunks
 * drops it. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(20 * bytes), *victim = malloc(bytes);
    memset(p, 1, 20 * bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(p);
    uint64_t *tail = hide(p);
    tail[6] = ((uint64_t)p + 80 + 4095) / 4096 * 4096;
    tail[7] = ((uint64_t)p - 16 + 20 * bytes) / 4096 * 4096;
    memset(malloc(20 * bytes), 3, 20 * bytes);
    try_to_profit(bytes);
}
