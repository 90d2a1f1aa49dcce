/* May the child of a fork from busy threads make threads of its own, free the blocks of
 * threads that it does not have, and fork again? */
#include <stdatomic.h>
#include <sched.h>
#include <unistd.h>

#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { FORKS = 150, THREADS = 2, SLOTS = 500, CHILD_THREADS = 4, CHILD_ROUNDS = 400 };

static _Atomic(struct parcel *) slots[SLOTS];
static atomic_bool stop;
static atomic_long rounds;

static void swap_one(struct random *r, unsigned bits)
{
    struct parcel *p = parcel_make(r, bits);
    parcel_drop(atomic_exchange(&slots[random_below(r, SLOTS)], p));
}

static void *stay_busy(void *number)
{
    struct random r = {(uintptr_t)number};
    while (!atomic_load(&stop)) {
        swap_one(&r, random_below(&r, 100) ? 11 : 18);
        atomic_fetch_add_explicit(&rounds, 1, memory_order_relaxed);
    }
    return NULL;
}

static void *work_in_child(void *number)
{
    struct random r = {(uintptr_t)number * 7919};
    for (int i = 0; i < CHILD_ROUNDS; i++)
        swap_one(&r, 14);
    return NULL;
}

static void live_as_child(bool forks_again)
{
    struct crew crew;
    pid_t grandchild = -1;
    alarm(120);
    expect_reset();
    crew_start(&crew, CHILD_THREADS, work_in_child);
    if (forks_again && (grandchild = fork()) == 0)
        crew_start(&crew, CHILD_THREADS, work_in_child); /* the others are gone */
    if (grandchild > 0)
        EXPECT(child_reaped(grandchild, "grandchild"));
    crew_join(&crew);
    for (int i = 0; i < SLOTS; i++)
        parcel_drop(slots[i]);
    _exit(expect_status());
}

int main(void)
{
    struct crew crew;
    struct random r = {3};
    crew_start(&crew, THREADS, stay_busy);
    while (atomic_load(&rounds) < 2000)
        sched_yield();
    long forks = scaled(FORKS, 10);
    for (long i = 0; i < forks; i++) {
        for (int j = 0; j < 20; j++)
            swap_one(&r, 11);
        pid_t pid = fork();
        if (pid == 0)
            live_as_child(i % 3 == 0);
        EXPECT_F(child_reaped(pid, "fork"), "fork %ld", i);
    }
    atomic_store(&stop, true);
    crew_join(&crew);
    for (int i = 0; i < SLOTS; i++)
        parcel_drop(slots[i]);
    return expect_done();
}
