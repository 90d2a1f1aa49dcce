/* expect: harmless sizes=small plain */
/* The list of a named heap's regions leads into a live block that looks like one: destroyed
 * with its heap, it would wait as a spare for the next, over the live blocks behind it. */
#include "chunky.h"
#include "death.h"

#define SPAN_MASK (~(uint64_t)0x3ffffff)

void misuse(size_t bytes)
{
    enum { FAKE = 4096, ROOM = 90000 };
    struct chunky_heap *a = chunky_heap_create("a", 0), *b;
    char *old = chunky_heap_malloc(a, bytes);
    uint64_t *fake = memalign(FAKE, ROOM);
    char *victim = memalign(FAKE, ROOM);
    memset(victim, 0x11, ROOM);
    guard_range(victim, ROOM);
    uint64_t *heap = (uint64_t *)((uint64_t)hide(old) & SPAN_MASK);
    memset(fake, 0, ROOM);
    memcpy(fake, heap, 80);
    fake[2] = 0;                                         /* next */
    fake[3] = (uint64_t)fake;                            /* start */
    fake[4] = (uint64_t)fake + FAKE;                     /* end */
    fake[6] = (uint64_t)fake + heap[6] - (uint64_t)heap; /* first */
    heap[2] = (uint64_t)fake;
    chunky_heap_destroy(a);
    for (int i = 0; i < 20; i++) {
        b = chunky_heap_create("b", 0);
        for (int k = 0; k < 10; k++)
            memset(chunky_heap_malloc(b, 60000), 0x22, 60000);
        memset(chunky_heap_malloc(b, 100000), 0x22, 100000);
    }
    try_to_profit(bytes);
}
