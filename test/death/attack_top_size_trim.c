/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* The same, then the heap is trimmed. */
#include "death.h"

void misuse(size_t bytes)
{
    char *victim = malloc(bytes), *p = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    uint64_t *top = (uint64_t *)(p + (bytes + 23) / 16 * 16 - 8);
    *top = (*top & 0xffff00000000000f) | 0x7fffffff0;
    malloc_trim(0);
    try_to_profit(bytes);
}
