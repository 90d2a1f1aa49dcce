/* May several threads fork at once while others allocate? */
#include <stdatomic.h>
#include <unistd.h>

#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { FORKERS = 4, BUSY = 2, FORKS = 80, OWN = 100 };

static atomic_bool stop;

static void churn(struct parcel **own, struct random *r, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct parcel **p = &own[random_below(r, OWN)];
        parcel_drop(*p);
        *p = parcel_make(r, 12);
    }
}

static void drop_all(struct parcel **own)
{
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
}

static void *stay_busy(void *number)
{
    static _Thread_local struct parcel *own[OWN];
    struct random r = {(uintptr_t)number};
    while (!atomic_load(&stop))
        churn(own, &r, 100);
    drop_all(own);
    return NULL;
}

static void *fork_often(void *number)
{
    static _Thread_local struct parcel *own[OWN];
    struct random r = {(uintptr_t)number + 100};
    long forks = scaled(FORKS, 10);
    for (long i = 0; i < forks; i++) {
        churn(own, &r, 50);
        pid_t pid = fork();
        if (pid == 0) {
            alarm(120);
            expect_reset();
            churn(own, &r, 300);
            drop_all(own);
            _exit(expect_status());
        }
        EXPECT_F(child_reaped(pid, "fork from a thread"), "fork %ld", i);
    }
    drop_all(own);
    return NULL;
}

int main(void)
{
    struct crew busy;
    struct crew forkers;
    crew_start(&busy, BUSY, stay_busy);
    crew_start(&forkers, FORKERS, fork_often);
    crew_join(&forkers);
    atomic_store(&stop, true);
    crew_join(&busy);
    return expect_done();
}
