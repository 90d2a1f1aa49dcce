/* Threads that swap blocks through shared slots, with no lock between them: is each
 * block whole when another thread checks, resizes or frees it? */
#include <stdatomic.h>

#include "support/crew.h"
#include "support/parcel.h"

enum { THREADS = 6, SLOTS = 600, ROUNDS = 300000 };

static _Atomic(struct parcel *) slots[SLOTS];

static void *swap_blocks(void *number)
{
    struct random r = {(uintptr_t)number * 1000};
    for (long i = scaled(ROUNDS, 3000); i > 0; i--) {
        unsigned bits = i % 200 ? 11 : 19;
        size_t slot = random_below(&r, SLOTS);
        struct parcel *p = NULL;
        switch (random_below(&r, 5)) {
        case 0: /* only take and free */
            break;
        case 1: /* resize what another thread made */
            p = parcel_resize(atomic_exchange(&slots[slot], NULL), &r, bits);
            slot = random_below(&r, SLOTS);
            break;
        default:
            p = parcel_make(&r, bits);
        }
        parcel_drop(atomic_exchange(&slots[slot], p));
    }
    return NULL;
}

int main(void)
{
    struct crew crew;
    crew_start(&crew, THREADS, swap_blocks);
    crew_join(&crew);
    for (int i = 0; i < SLOTS; i++)
        parcel_drop(slots[i]);
    return expect_done();
}
