/* Busy threads, and many children at once, each of which starts threads and forks again
 * while they run: does every process of the tree find a whole heap, and end? */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { ROUNDS = 12, CHILDREN = 8, DEPTH = 3, THREADS = 3, OWN = 60 };

static atomic_bool stop;
static struct parcel *kept[OWN]; /* passed on from process to process */

static void *stay_busy(void *number)
{
    struct parcel *own[OWN] = {0};
    struct random r = {(uintptr_t)number};
    while (!atomic_load(&stop)) {
        struct parcel **p = &own[random_below(&r, OWN)];
        parcel_drop(*p);
        *p = parcel_make(&r, random_below(&r, 4) ? 11 : 16);
    }
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
    return NULL;
}

static void renew_kept(uint64_t seed)
{
    struct random r = {seed};
    for (int i = 0; i < OWN; i++) {
        parcel_drop(kept[i]);
        kept[i] = parcel_make(&r, i % 10 ? 11 : 18);
    }
}

/* The forks of this process, with its threads busy meanwhile. */
static void storm(int depth, size_t children)
{
    struct crew crew;
    pid_t pid[CHILDREN];
    atomic_store(&stop, false);
    crew_start(&crew, depth == 0 ? THREADS : 1, stay_busy);
    for (size_t i = 0; i < children; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            alarm(200);
            expect_reset();
            renew_kept(i + 1);
            if (depth + 1 < DEPTH)
                storm(depth + 1, 2);
            renew_kept(i + 100);
            _exit(expect_status());
        }
        EXPECT(pid[i] > 0);
        renew_kept(i + 200);
    }
    for (size_t i = 0; i < children; i++)
        if (pid[i] > 0)
            EXPECT(child_reaped(pid[i], "a child in the storm"));
    atomic_store(&stop, true);
    crew_join(&crew);
}

int main(void)
{
    alarm(600);
    mallopt(M_MMAP_THRESHOLD, 8192); /* every lock is in use all the time */
    for (long i = scaled(ROUNDS, 2); i > 0; i--)
        storm(0, CHILDREN);
    for (int i = 0; i < OWN; i++)
        parcel_drop(kept[i]);
    return expect_done();
}
