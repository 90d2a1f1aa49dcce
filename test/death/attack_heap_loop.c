/* expect: corrupted heap: link to the next one sizes=small plain */
/* The list of a named heap's regions leads from the newest back to itself: whoever looks for
 * another one, or shows all blocks, would go round for ever. */
#include "chunky.h"
#include "death.h"
#include <unistd.h>

enum { EACH = 30000, COUNT = 5000, SECONDS = 20 };

static int look(const struct chunky_block *block, void *unused)
{
    (void)block, (void)unused;
    return 0;
}

void misuse(size_t bytes)
{
    static char *p[COUNT];
    struct chunky_heap *heap = chunky_heap_create("victim", 0);
    for (int i = 0; i < COUNT; i++)
        p[i] = chunky_heap_malloc(heap, EACH);
    uint64_t *newest =
        (uint64_t *)((uintptr_t)hide(p[COUNT - 1]) & ~(uintptr_t)0x3ffffff);
    newest[2] = (uintptr_t)newest; /* next */
    alarm(SECONDS);
    if (bytes > 500)
        chunky_heap_walk(heap, look, NULL);
    for (int i = 0; i < COUNT; i++)
        chunky_heap_free(heap, p[i]);
    malloc_trim(0);
}
