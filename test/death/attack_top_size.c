/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* The top claims to be huge: a request shall be cut from beyond the heap. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    uint64_t *top = (uint64_t *)(p + (bytes + 23) / 16 * 16 - 8);
    *top = (*top & 0xffff00000000000f) | 0x7ffffffffff0;
    char *far = malloc((size_t)1 << 29);
    if (far != NULL)
        memset(far + (1 << 28), 1, 4096);
    try_to_profit(bytes);
}
