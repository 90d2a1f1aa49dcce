/* Does a process end well, with its exit handlers allocating, while threads are busy in
 * every call? Each turn is a child. */
#include <pthread.h>
#include <unistd.h>

#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { TURNS = 200, THREADS = 4, OWN = 100 };

static void *never_stop(void *number)
{
    static _Thread_local struct parcel *own[OWN];
    struct random r = {(uintptr_t)number};
    for (;;) {
        struct parcel **p = &own[random_below(&r, OWN)];
        parcel_drop(*p);
        *p = parcel_make(&r, random_below(&r, 50) ? 12 : 18);
    }
    return NULL;
}

static void allocate_at_exit(void)
{
    struct random r = {99};
    for (int i = 0; i < 200; i++)
        parcel_drop(parcel_make(&r, 15));
}

static void end_somehow(long turn)
{
    struct crew crew;
    alarm(120);
    expect_reset();
    atexit(allocate_at_exit);
    crew_start(&crew, THREADS, never_stop);
    usleep((useconds_t)(turn * 37 % 3000));
    allocate_at_exit();
    if (turn % 4 == 0)
        pthread_exit(NULL); /* the others would go on for ever */
    exit(0);
}

static void *exit_from_here(void *unused)
{
    usleep(2000);
    exit(0);
    return unused;
}

int main(void)
{
    long turns = scaled(TURNS, 20);
    for (long i = 0; i < turns; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t thread;
            if (i % 4 == 0)
                pthread_create(&thread, NULL, exit_from_here, NULL);
            end_somehow(i);
        }
        EXPECT_F(child_reaped(pid, "exit while busy"), "turn %ld", i);
    }
    return expect_done();
}
