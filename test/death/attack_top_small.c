/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* The top claims to be tiny, so that a new heap is begun and the top becomes a
 * free chunk. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    uint64_t *top = (uint64_t *)(p + (bytes + 23) / 16 * 16 - 8);
    *top = (*top & 0xffff00000000000f) | 0x20;
    for (int i = 0; i < 100; i++)
        memset(malloc(100000), 1, 100000);
    try_to_profit(bytes);
}
