/* expect: harmless sizes=small conf=request=1,mmap_threshold=1G plain */
/* Requests are recorded, by a flag in the header: while free waits for the arena's lock to take
 * that flag away, which somebody who walks the heap holds, the block's size is overwritten. */
#include "waiting.h"

enum { BYTES = 3000 };

void misuse(size_t bytes)
{
    (void)bytes;
    char *p = malloc(BYTES), *q = malloc(BYTES), *r = malloc(BYTES);
    malloc(BYTES);
    memset(q, 0x11, BYTES);
    guard_range(q, BYTES);
    pthread_t writer = waiting_forge(p, r, 15), walker = waiting_hold(r);
    waiting_begin();
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
