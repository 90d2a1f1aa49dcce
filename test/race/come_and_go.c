/* Thousands of threads, 32 alive at a time, that return, exit or are cancelled and leave
 * blocks to others: is each block whole, and does memory not grow with their number? */
#include <pthread.h>
#include <stdatomic.h>

#include "support/crew.h"
#include "support/parcel.h"
#include "support/proc.h"

enum { ALIVE = 32, THREADS = 8000, SLOTS = 1000, OWN = 60, MIB = 1 << 20 };

static _Atomic(struct parcel *) slots[SLOTS];

static void wait_for_cancel(void)
{
    pthread_testcancel();
}

static void *live_shortly(void *number)
{
    struct random r = {(uintptr_t)number};
    struct parcel *own[OWN];
    for (int i = 0; i < OWN; i++)
        own[i] = parcel_make(&r, 12);
    for (int i = 0; i < OWN; i++) /* half is freed here, half by somebody, later */
        parcel_drop(i % 2 ? own[i]
                          : atomic_exchange(&slots[random_below(&r, SLOTS)], own[i]));
    switch (random_below(&r, 3)) {
    case 0:
        return NULL;
    case 1:
        pthread_exit(NULL);
    default:
        pthread_cancel(pthread_self());
        wait_for_cancel();
        return NULL;
    }
}

int main(void)
{
    static pthread_t alive[ALIVE];
    long threads = scaled(THREADS, 300);
    size_t settled = 0;
    for (long i = 0; i < threads; i++) {
        if (i >= ALIVE)
            pthread_join(alive[i % ALIVE], NULL);
        if (i == threads / 4)
            settled = proc_resident();
        void *number = (void *)(i + 1);
        REQUIRE(!pthread_create(&alive[i % ALIVE], NULL, live_shortly, number));
    }
    for (int i = 0; i < ALIVE; i++)
        pthread_join(alive[i], NULL);
    size_t now = proc_resident();
    printf("resident after a quarter of the threads %zu KiB, after all %zu KiB\n",
           settled >> 10, now >> 10);
    if (!UNDER_SANITIZER)
        EXPECT_F(now < settled + settled / 4 + 4 * MIB, "%zu, then %zu", settled, now);
    for (int i = 0; i < SLOTS; i++)
        parcel_drop(slots[i]);
    return expect_done();
}
