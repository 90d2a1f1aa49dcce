/* expect: harmless sizes=large plain */
/* While realloc waits for the arena's lock, which somebody who walks the heap holds, its
 * block's size is overwritten: what it verified before must not be read again and signed. */
#include "chunky.h"
#include "death.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

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
    uint32_t size = (uint32_t)(r - p) | HEADER_P;
    memcpy(header(p), &size, sizeof size);
    return unused;
}

void misuse(size_t bytes)
{
    size_t large = 100000, middle = 40000;
    p = malloc(large);
    char *q = malloc(middle);
    r = malloc(middle);
    malloc(middle);
    memset(q, 0x11, middle);
    guard_range(q, middle);
    pthread_t walker, writer;
    pthread_create(&walker, NULL, walk, NULL);
    pthread_create(&writer, NULL, overwrite, NULL);
    while (stage == 0)
        usleep(100);
    stage = 2;
    p = realloc(p, large / 2);
    pthread_join(walker, NULL);
    pthread_join(writer, NULL);
    try_to_profit(70000);
    (void)bytes;
}
