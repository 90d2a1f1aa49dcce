/* expect: its owner was overwritten sizes=tiny,small */
/* Owner and seal of one heap are copied over those of another arena's heap: blocks of the
 * first would go to the second's lists. */
#include "chunky.h"
#include "death.h"

static uint64_t *heap_of(void *mem)
{
    return (uint64_t *)((uint64_t)hide(mem) & ~(uint64_t)0x3ffffff);
}

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0), *b = chunky_heap_create("b", 0);
    char *p = chunky_heap_malloc(a, bytes), *q = chunky_heap_malloc(b, bytes);
    if (heap_of(p) == heap_of(q) || heap_of(p)[0] != heap_of(q)[0])
        exit(77);
    heap_of(p)[1] = heap_of(q)[1];
    heap_of(p)[9] = heap_of(q)[9];
    guard_range(q, bytes);
    chunky_heap_free(b, p);
    try_to_profit(bytes);
}
