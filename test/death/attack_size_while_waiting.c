/* expect: harmless sizes=small,large plain */
/* While realloc, or with small blocks a named heap's free, waits for the arena's lock, which
 * somebody who walks the heap holds, its block's size is overwritten: what it verified before
 * must not be read again and signed. */
#include "chunky.h"
#include "death.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int stage;
static struct chunky_heap *heap; /* NULL: the process */
static char *p, *r;

static int look(const struct chunky_block *b, void *context)
{
    (void)context;
    if (b->mem == r && stage == 0) {
        stage = 1;
        usleep(100000);
    }
    return 0;
}

static void *walk(void *unused)
{
    if (heap != NULL)
        chunky_heap_walk(heap, look, NULL);
    else
        chunky_walk(look, NULL);
    return unused;
}

static void *overwrite(void *unused)
{
    while (stage != 2)
        usleep(100);
    usleep(20000);
    uint32_t size = (uint32_t)(r - p) | (*header(p) & (HEADER_P | HEADER_A));
    memcpy(header(p), &size, sizeof size);
    return unused;
}

static char *take(size_t bytes)
{
    return heap != NULL ? chunky_heap_malloc(heap, bytes) : malloc(bytes);
}

void misuse(size_t bytes)
{
    heap = bytes < 2000 ? chunky_heap_create("victim", 0) : NULL;
    size_t middle = heap != NULL ? 3000 : 40000, large = heap != NULL ? 3000 : 100000;
    p = take(large);
    char *q = take(middle);
    r = take(middle);
    take(middle);
    memset(q, 0x11, middle);
    guard_range(q, middle);
    pthread_t walker, writer;
    pthread_create(&walker, NULL, walk, NULL);
    pthread_create(&writer, NULL, overwrite, NULL);
    while (stage == 0)
        usleep(100);
    stage = 2;
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
