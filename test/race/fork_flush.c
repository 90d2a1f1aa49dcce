/* One thread holds a stream, a second flushes all of them and waits for it, a third forks;
 * then the first allocates. Does the fork wait without holding the memory? */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

/* Where its list of streams can be locked from outside. */
#ifdef __GLIBC_PREREQ
#define MAY_FLUSH __GLIBC_PREREQ(2, 32)
#else
#define MAY_FLUSH 0
#endif

enum { ROUNDS = 3, OWN = 200, STEP_MS = 100 };

static FILE *stream;

static void wait_steps(long steps)
{
    struct timespec pause = {0, steps * STEP_MS * 1000000L};
    nanosleep(&pause, NULL);
}

/* Off the caches. */
static void churn(void)
{
    struct random numbers = {7};
    struct parcel *own[OWN];
    for (int i = 0; i < OWN; i++)
        own[i] = parcel_make(&numbers, i % 10 ? 11 : 18);
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
}

static void hold_stream(void)
{
    flockfile(stream);
    wait_steps(3);
    churn();
    funlockfile(stream);
}

static void flush_all(void)
{
    wait_steps(1);
    fflush(NULL);
}

/* Flushes again, in both: nobody holds the list any more. */
static void fork_beside(void)
{
    wait_steps(2);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        churn();
        fflush(NULL);
        _exit(expect_status());
    }
    EXPECT(child_reaped(pid, "fork beside a flush"));
    fflush(NULL);
}

static void *take_part(void *number)
{
    static void (*const parts[])(void) = {hold_stream, flush_all, fork_beside};
    parts[(uintptr_t)number - 1]();
    return NULL;
}

int main(void)
{
    stream = tmpfile();
    REQUIRE(stream != NULL);
    for (int i = 0; i < ROUNDS && MAY_FLUSH; i++) {
        struct crew crew = {.count = 0};
        alarm(120); /* all three wait for ever */
        crew_start(&crew, 3, take_part);
        crew_join(&crew);
        churn();
    }
    fclose(stream);
    return expect_done();
}
