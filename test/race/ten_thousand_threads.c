/* 10,000 threads alive at once: does each get and free its blocks, does everything come
 * back when they end, and does a thread cost little? */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/expect.h"
#include "support/parcel.h"
#include "support/proc.h"

enum { THREADS = 10000, STACK = 64 * 1024, OWN = 6, MIB = 1 << 20 };

static pthread_t threads[THREADS];
static _Atomic(struct parcel *) left_behind[THREADS];
static atomic_long here;
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t open_door = PTHREAD_COND_INITIALIZER;
static bool is_open;

/* Each frees what its neighbour made, so that most blocks cross threads. */
static void *live(void *number)
{
    size_t n = (size_t)(uintptr_t)number;
    struct random r = {n + 1};
    struct parcel *own[OWN];
    for (int i = 0; i < OWN; i++)
        own[i] = parcel_make(&r, 10);
    atomic_store(&left_behind[n], parcel_make(&r, 10));
    atomic_fetch_add(&here, 1);
    pthread_mutex_lock(&door);
    while (!is_open)
        pthread_cond_wait(&open_door, &door);
    pthread_mutex_unlock(&door);
    parcel_drop(atomic_exchange(&left_behind[(n + 1) % THREADS], NULL));
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
    return NULL;
}

int main(void)
{
    pthread_attr_t small;
    long most = scaled(THREADS, 500);
    size_t before = proc_resident();
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    long made = 0;
    while (made < most && !pthread_create(&threads[made], &small, live, (void *)made))
        made++;
    while (atomic_load(&here) < made)
        usleep(1000);
    size_t full = proc_resident();
    pthread_mutex_lock(&door);
    is_open = true;
    pthread_cond_broadcast(&open_door);
    pthread_mutex_unlock(&door);
    for (long i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
    for (long i = 0; i < THREADS; i++)
        parcel_drop(left_behind[i]);
    malloc_trim(0);
    size_t after = proc_resident();
    printf("%ld threads at once: %zu KiB each, %zu KiB in all; afterwards %zu KiB\n",
           made, (full - before) / 1024 / (size_t)(made ? made : 1), full >> 10,
           after >> 10);
    if (made < most)
        SKIP("the system allows %ld threads", made);
    struct mallinfo2 now = mallinfo2();
    if (!UNDER_SANITIZER && !memory_may_run_out())
        EXPECT_F(now.uordblks < 4 * MIB, "%zu bytes in use", now.uordblks);
    return expect_done();
}
