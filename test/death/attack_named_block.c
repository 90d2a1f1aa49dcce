/* expect: harmless sizes=tiny,small,large */
/* The flags of a block of a named heap are changed so that it looks like one of the
 * shared heaps, or of another arena; free would put it into the caller's cache. */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 32 };
    struct chunky_heap *a = chunky_heap_create("a", 0);
    char *p[COUNT], *victim = chunky_heap_malloc(a, bytes);
    memset(victim, 0x11, bytes);
    for (int i = 0; i < COUNT; i++)
        p[i] = chunky_heap_malloc(a, bytes);
    guard_range(victim, bytes);
    for (int i = 0; i < COUNT; i++) {
        *header(p[i]) ^= i % 3 == 0   ? HEADER_R
                         : i % 3 == 1 ? HEADER_R | HEADER_A
                                      : HEADER_M;
        free(p[i]);
    }
    chunky_heap_destroy(a);
    try_to_profit(bytes);
}
