/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G */
/* The header that ends a heap is made to look like a free chunk, or like none: the last
 * block's free merges with it, and the heap grows over it. */
#include "death.h"

void misuse(size_t bytes)
{
    char *victim = malloc(bytes), *last = victim, *p;
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    for (int i = 0; i < 2000; i++) {
        p = malloc(bytes);
        if (p < last || p > last + 4 * bytes)
            break; /* of another heap: `last` was at the end, or nearly */
        last = p;
    }
    size_t size = (*header(last) & 0xffffffff) & ~(uint64_t)15;
    uint64_t *top =
        (uint64_t *)(hide(last + size)); /* behind it: top, then the fence */
    size_t rest = (top[-1] & 0xffffffff) & ~(uint64_t)15;
    top[-1] = *header(victim) + 64 * bytes;
    if (rest < (1 << 20))
        top[rest / 8 - 1] = *header(victim) | HEADER_P;
    free(last);
    malloc_trim(0);
    try_to_profit(bytes);
}
