/* expect: harmless level=2 sizes=small plain */
/* realloc has read a block's header, and waits for an arena's lock to get the larger block,
 * while the size is overwritten: what goes to the quarantine is zeroed, and no more. */
#include "chunky.h"
#include "death.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { BYTES = 100, LARGER = 700, COUNT = 40 };

static atomic_int stage;
static char *p, *q, *r;
static char *volatile last;

static int look(const struct chunky_block *b, void *context)
{
    (void)context;
    if (b->mem == last && stage == 0) {
        stage = 1;
        usleep(150000);
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

/* Returns when another thread holds the lock of the arena that this block is of. */
static pthread_t hold(char *block)
{
    pthread_t walker;
    last = block;
    stage = 0;
    pthread_create(&walker, NULL, walk, NULL);
    for (int i = 0; stage == 0 && i < 20000; i++)
        usleep(100);
    return walker;
}

void misuse(size_t bytes)
{
    char *block[COUNT];
    pthread_t writer;
    (void)bytes;
    /* A thread that finds its arena locked for the first time moves to another one. */
    pthread_t walker = hold(malloc(BYTES));
    malloc(5 * BYTES);
    pthread_join(walker, NULL);
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(BYTES);
    for (int i = 0; i + 3 < COUNT; i++) {
        if (block[i + 1] - block[i] != block[i + 2] - block[i + 1])
            continue;
        p = block[i];
        q = block[i + 1];
        r = block[i + 2];
    }
    memset(q, 0x11, BYTES);
    guard_range(q, BYTES);
    walker = hold(block[COUNT - 1]);
    pthread_create(&writer, NULL, overwrite, NULL);
    stage = 2;
    p = realloc(p, LARGER);
    pthread_join(walker, NULL);
    pthread_join(writer, NULL);
    try_to_profit(LARGER);
}
