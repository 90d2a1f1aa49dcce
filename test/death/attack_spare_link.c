/* expect: harmless sizes=small plain */
/* A heap without blocks waits for other arenas; its link to the next one that waits is made
 * to lead into a live block. */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    enum { FAKE = 256 << 20 };
    struct chunky_heap *a = chunky_heap_create("a", 0);
    char *old = chunky_heap_malloc(a, bytes);
    char *victim = malloc(FAKE);
    uint64_t *heap = (uint64_t *)((uint64_t)hide(old) & ~(uint64_t)0x3ffffff);
    uint64_t fake = ((uint64_t)hide(victim) + (64 << 20)) & ~(uint64_t)0x3ffffff;
    memset((void *)fake, 0, 4096);
    chunky_heap_destroy(a);
    heap[2] = fake; /* next */
    guard_range((void *)fake, 4096);
    for (int i = 0; i < 4; i++) {
        struct chunky_heap *b = chunky_heap_create("b", 0);
        char *p = chunky_heap_malloc(b, bytes);
        if (p >= victim && p < victim + FAKE)
            guard_range(p, 1), try_to_profit(bytes), exit(42);
    }
    try_to_profit(bytes);
}
