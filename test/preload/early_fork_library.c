/* A library for early_fork.c whose constructor forks, as that of a preloaded allocator comes
 * last, with threads that are busy in malloc: may each child allocate? */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"

enum { THREADS = 3, FORKS = 300, SLOTS = 64, CHILD_SECONDS = 120 };

int early_fork_failed(void);

static atomic_bool stop;
static int failed;

static void churn(void **slots, unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    void **slot = &slots[*seed >> 16 & (SLOTS - 1)];
    free(*slot);
    *slot = malloc((*seed >> 8) % 60000);
}

static void *stay_busy(void *number)
{
    void *slots[SLOTS] = {NULL};
    unsigned seed = *(unsigned *)number;
    while (!atomic_load(&stop))
        churn(slots, &seed);
    for (int i = 0; i < SLOTS; i++)
        free(slots[i]);
    return NULL;
}

_Noreturn static void be_child(void)
{
    void *slots[SLOTS] = {NULL};
    unsigned seed = 99;
    alarm(CHILD_SECONDS);
    for (int i = 0; i < 500; i++)
        churn(slots, &seed);
    _exit(0);
}

CONSTRUCTOR(65535) static void fork_early(void)
{
    static unsigned number[THREADS] = {1, 2, 3};
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, stay_busy, &number[i]) != 0)
            abort();
    for (int i = 0; i < FORKS && failed == 0; i++) {
        int status = 1;
        pid_t pid = fork();
        if (pid == 0)
            be_child();
        failed += waitpid(pid, &status, 0) != pid || status != 0;
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

int early_fork_failed(void)
{
    return failed;
}
