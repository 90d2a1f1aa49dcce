/* A signal comes between the allocator's fork handlers, and its own handler forks. Are
 * all locks free afterwards, in both parents and both children? */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/compiler.h"
#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { FORKS = 20, OWN = 200 };

static volatile sig_atomic_t armed; /* where the signal is to come: 1 before, 2 after */
static volatile sig_atomic_t handled;

/* From caches, arenas and mappings. */
static void churn(void)
{
    struct parcel *own[OWN];
    struct random numbers = {5};
    for (int i = 0; i < OWN; i++)
        own[i] = parcel_make(&numbers, i % 10 ? 11 : 18);
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
}

static void *churn_elsewhere(void *unused)
{
    churn();
    return unused;
}

/* The child churns and ends. */
static pid_t fork_one(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        churn();
        _exit(expect_status());
    }
    return pid;
}

static void fork_here(int number)
{
    (void)number;
    EXPECT(child_reaped(fork_one(), "the fork of the handler"));
    handled++;
}

static void signal_at(int where)
{
    if (armed != where)
        return;
    armed = 0;
    raise(SIGUSR1);
}

static void before_fork(void)
{
    signal_at(1);
}

static void after_fork_in_parent(void)
{
    signal_at(2);
}

/* Registered first: its prepare handler runs last, its other handlers first. */
CONSTRUCTOR(101) static void register_early(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, NULL);
}

int main(void)
{
    if (UNDER_SANITIZER)
        SKIP("a handler that forks allocates, which ThreadSanitizer calls unsafe");
    struct sigaction action = {.sa_handler = fork_here, .sa_flags = SA_RESTART};
    REQUIRE(!sigaction(SIGUSR1, &action, NULL));
    for (int i = 0; i < FORKS; i++) {
        struct crew crew = {.count = 0};
        alarm(60); /* a lock that is held for ever */
        armed = 1 + i % 2;
        pid_t pid = fork_one();
        EXPECT(child_reaped(pid, "the fork that was interrupted"));
        EXPECT(handled == i + 1);
        crew_start(&crew, 2, churn_elsewhere);
        churn();
        crew_join(&crew);
        mallinfo2(); /* waits for every arena */
    }
    return expect_done();
}
