/* expect: harmless sizes=small conf=request=1,mmap_threshold=1G plain */
/* Requests are recorded, by a flag in the header: while free waits for the arena's lock to take
 * that flag away, which somebody who walks the heap holds, the block's size is overwritten. */
#include "chunky.h"
#include "death.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { BYTES = 3000 };

static atomic_int stage;
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
    chunky_walk(look, NULL);
    return unused;
}

static void *overwrite(void *unused)
{
    while (stage != 2)
        usleep(100);
    usleep(20000);
    uint32_t size = (uint32_t)(r - p) | (*header(p) & 15);
    memcpy(header(p), &size, sizeof size);
    return unused;
}

void misuse(size_t bytes)
{
    (void)bytes;
    p = malloc(BYTES);
    char *q = malloc(BYTES);
    r = malloc(BYTES);
    malloc(BYTES);
    memset(q, 0x11, BYTES);
    guard_range(q, BYTES);
    pthread_t walker, writer;
    pthread_create(&walker, NULL, walk, NULL);
    pthread_create(&writer, NULL, overwrite, NULL);
    while (stage == 0)
        usleep(100);
    stage = 2;
    free(p);
    pthread_join(walker, NULL);
    pthread_join(writer, NULL);
    for (int i = 0; i < 100; i++) {
        char *block = malloc(2 * BYTES);
        if (block == p)
            exit(42);
    }
    try_to_profit(2 * BYTES);
}
