/* expect: harmless sizes=small,large */
/* Links of two free chunks are crossed, one of a named heap and one of the process: malloc
 * would hand out a block that goes with the heap. */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 600 };
    struct chunky_heap *h = chunky_heap_create("first", 0);
    char *named = chunky_heap_malloc(h, bytes), *wall = chunky_heap_malloc(h, bytes);
    char *p = malloc(bytes), *behind = malloc(bytes), *got = NULL;
    chunky_heap_free(h, named);
    chunky_heap_malloc(h, bytes + 300); /* what was unsorted is sorted */
    free(p);
    malloc_trim(1 << 20);
    uint64_t *a = hide(p), *b = hide(named);
    a[0] = a[1] = (uintptr_t)named - 16;
    b[0] = b[1] = (uintptr_t)p - 16;
    for (int i = 0; i < COUNT && got != named; i++)
        got = malloc(bytes);
    if (got == named) {
        memset(got, 0x11, bytes);
        guard_range(got, bytes);
    }
    chunky_heap_destroy(h);
    h = chunky_heap_create("second", 0);
    for (int i = 0; i < COUNT; i++)
        memset(chunky_heap_malloc(h, bytes), 'Z', bytes);
    try_to_profit(bytes);
    free(behind);
    (void)wall;
}
