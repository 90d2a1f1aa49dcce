/* cancel_pending [FILE]: threads that are to be cancelled allocate and free. malloc and free
 * are no points of cancellation, whatever they open, read or write on the way: does each
 * thread get to the end? With FILE they go on until Chunky has written its metrics there. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/crew.h"
#include "support/parcel.h"

enum { THREADS = 16, OWN = 2000, ROUNDS = 20 };

static const char *awaited;
static atomic_size_t reached;
static atomic_bool lost;

static void churn(struct random *r)
{
    static _Thread_local struct parcel *own[OWN];
    for (int i = 0; i < OWN; i++)
        own[i] = parcel_make(r, 12);
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
}

static void note_lost(void *unused)
{
    (void)unused;
    atomic_store(&lost, true);
}

static bool is_over(void)
{
    if (atomic_load(&lost))
        return true;
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    bool over = awaited == NULL || access(awaited, F_OK) == 0;
    pthread_setcancelstate(state, NULL);
    return over && state == PTHREAD_CANCEL_ENABLE;
}

static void *allocate_while_cancelled(void *number)
{
    struct random r = {(uintptr_t)number};
    long rounds = scaled(ROUNDS, 1);
    pthread_cancel(pthread_self());
    pthread_cleanup_push(note_lost, NULL);
    for (long i = 0; i < rounds || !is_over(); i++)
        churn(&r);
    pthread_cleanup_pop(0);
    atomic_fetch_add(&reached, 1);
    pthread_testcancel();
    return NULL;
}

int main(int argc, char **argv)
{
    struct crew crew;
    if (argc > 1) {
        awaited = argv[1];
        unlink(awaited);
    }
    crew_start(&crew, THREADS, allocate_while_cancelled);
    crew_join(&crew);
    size_t count = atomic_load(&reached);
    EXPECT_F(count == THREADS, "%zu of %d threads", count, (int)THREADS);
    return expect_done();
}
