/* May the fork handlers of others, registered before and after the allocator's own,
 * allocate and free, with busy threads around? */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/compiler.h"
#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { FORKS = 200, THREADS = 2, KEPT = 40, OWN = 100 };

static struct parcel *kept[KEPT];
static atomic_bool stop;
static int prepared;

static void churn(void)
{
    static struct random r = {17};
    for (int i = 0; i < KEPT; i++) {
        parcel_drop(kept[i]);
        kept[i] = parcel_make(&r, i % 10 ? 11 : 18);
    }
}

static void before_fork(void)
{
    prepared++;
    churn();
}

static void after_fork_in_parent(void)
{
    churn();
}

static void after_fork_in_child(void)
{
    alarm(120);
    churn();
}

/* Registered first: its prepare handler runs last, its other handlers first. */
CONSTRUCTOR(101) static void register_early(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void *stay_busy(void *number)
{
    static _Thread_local struct parcel *own[OWN];
    struct random r = {(uintptr_t)number};
    while (!atomic_load(&stop)) {
        struct parcel **p = &own[random_below(&r, OWN)];
        parcel_drop(*p);
        *p = parcel_make(&r, random_below(&r, 100) ? 11 : 18);
    }
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
    return NULL;
}

int main(void)
{
    struct crew crew;
    free(malloc(1));
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    crew_start(&crew, THREADS, stay_busy);
    long forks = scaled(FORKS, 20);
    for (long i = 0; i < forks; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            churn();
            _exit(expect_status());
        }
        EXPECT_F(child_reaped(pid, "fork with handlers"), "fork %ld", i);
    }
    EXPECT(prepared == 2 * forks);
    atomic_store(&stop, true);
    crew_join(&crew);
    churn();
    return expect_done();
}
