/* expect: harmless level=2 sizes=small plain */
/* realloc has read a block's header, and waits for an arena's lock to get the larger block,
 * while the size is overwritten: what goes to the quarantine is zeroed, and no more. */
#include "waiting.h"

enum { BYTES = 100, LARGER = 700, COUNT = 40 };

void misuse(size_t bytes)
{
    char *block[COUNT], *p = NULL, *q = NULL, *r = NULL;
    (void)bytes;
    /* A thread that finds its arena locked for the first time moves to another one. */
    pthread_t walker = waiting_hold(malloc(BYTES));
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
    pthread_t writer = waiting_forge(p, r, 15);
    walker = waiting_hold(block[COUNT - 1]);
    waiting_begin();
    p = realloc(p, LARGER);
    pthread_join(walker, NULL);
    pthread_join(writer, NULL);
    try_to_profit(LARGER);
}
