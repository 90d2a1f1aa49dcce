/* expect: harmless sizes=small,large plain */
/* While realloc, or with small blocks a named heap's free, waits for the arena's lock, which
 * somebody who walks the heap holds, its block's size is overwritten: what it verified before
 * must not be read again and signed. */
#include "waiting.h"

static char *take(size_t bytes)
{
    return waiting.heap != NULL ? chunky_heap_malloc(waiting.heap, bytes)
                                : malloc(bytes);
}

void misuse(size_t bytes)
{
    struct chunky_heap *heap = bytes < 2000 ? chunky_heap_create("victim", 0) : NULL;
    size_t middle = heap != NULL ? 3000 : 40000, large = heap != NULL ? 3000 : 100000;
    waiting.heap = heap;
    char *p = take(large), *q = take(middle), *r = take(middle);
    take(middle);
    memset(q, 0x11, middle);
    guard_range(q, middle);
    pthread_t writer = waiting_forge(p, r, HEADER_P | HEADER_A);
    pthread_t walker = waiting_hold(r);
    waiting_begin();
    if (heap != NULL)
        chunky_heap_free(heap, p);
    else
        p = realloc(p, large / 2);
    pthread_join(walker, NULL);
    pthread_join(writer, NULL);
    if (heap != NULL)
        memset(take(2 * middle), 0x22, 2 * middle);
    try_to_profit(70000);
}
