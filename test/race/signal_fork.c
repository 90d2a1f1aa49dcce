/* signal_fork [allocate]: a signal interrupts malloc or free anywhere, and its handler
 * forks. Does the fork return, and can the child, when the handler is done, go on? With
 * `allocate` the child allocates in the handler itself, and then exits. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { FORKS = 400, OWN = 200, THREADS = 3 };

static struct parcel *own[OWN];
static struct random own_random = {31};
static atomic_long forks_done;
static atomic_bool stop;
static _Atomic(pid_t) child_running;
static volatile sig_atomic_t am_child;
static volatile sig_atomic_t allocates_in_handler;
static pid_t parent;

static void churn(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct parcel **p = &own[random_below(&own_random, OWN)];
        parcel_drop(*p);
        *p = parcel_make(&own_random, random_below(&own_random, 20) ? 11 : 18);
    }
}

static void allocate_and_leave(void)
{
    void *mem[50];
    for (size_t i = 0; i < 50; i++)
        mem[i] = malloc(i * i * 20);
    for (size_t i = 0; i < 50; i++)
        if (mem[i])
            memset(mem[i], 1, i * i * 20);
    for (size_t i = 0; i < 50; i++)
        free(mem[i]);
    _exit(0);
}

static void fork_here(int number)
{
    int saved = errno;
    (void)number;
    if (getpid() != parent || atomic_load(&child_running))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(120);
        am_child = 1;
        if (allocates_in_handler)
            allocate_and_leave();
    } else {
        atomic_store(&child_running, pid);
    }
    errno = saved;
}

static void *send_signals(void *unused)
{
    struct timespec pause = {0, 300000};
    while (!atomic_load(&stop)) {
        kill(parent, SIGUSR1); /* only the main thread takes it */
        nanosleep(&pause, NULL);
    }
    return unused;
}

static void *stay_busy(void *number)
{
    struct random r = {(uintptr_t)number};
    while (!atomic_load(&stop))
        parcel_drop(parcel_make(&r, random_below(&r, 20) ? 11 : 18));
    return NULL;
}

/* In the child, after the handler: everything is as if nothing had happened. */
static void go_on_as_child(void)
{
    churn(300);
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
    _exit(expect_status());
}

static void reap(void)
{
    pid_t pid = atomic_load(&child_running);
    if (!pid)
        return;
    EXPECT(child_reaped(pid, "fork in a signal handler"));
    atomic_store(&child_running, 0);
    atomic_fetch_add(&forks_done, 1);
}

static void run(size_t busy, long forks)
{
    struct crew crew = {.count = 0};
    pthread_t sender;
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    atomic_store(&stop, false);
    crew_start(&crew, busy, stay_busy);
    REQUIRE(!pthread_create(&sender, NULL, send_signals, NULL));
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    atomic_store(&forks_done, 0);
    while (atomic_load(&forks_done) < forks) {
        churn(20);
        if (am_child)
            go_on_as_child();
        reap();
    }
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    if (am_child)
        go_on_as_child();
    reap();
    atomic_store(&stop, true);
    pthread_join(sender, NULL);
    crew_join(&crew);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = fork_here, .sa_flags = SA_RESTART};
    allocates_in_handler = argc > 1 && !strcmp(argv[1], "allocate");
    parent = getpid();
    alarm(600); /* the fork itself may hang */
    REQUIRE(!sigaction(SIGUSR1, &action, NULL));
    run(0, scaled(FORKS, 30));
    run(THREADS, scaled(FORKS, 30));
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
    return expect_done();
}
