/* A thread that was looking at its stack when another one forked is gone in the child: do
 * those that get its place there have whole stacks in reports (level 3)? */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"

enum { THREADS = 8, FORKS = 4, BYTES = 100 };

static char *got[THREADS];
static pthread_barrier_t all_took;
static atomic_bool stop;

static void *stay_busy(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop))
        free(unknown_mem(malloc(BYTES)));
    return NULL;
}

static void *take(void *place)
{
    *(char **)place = malloc(BYTES);
    pthread_barrier_wait(&all_took);
    return NULL;
}

/* Every one of these frees is a report, with the stack of the malloc. */
static void overrun_each(void)
{
    pthread_t thread[THREADS];
    pthread_barrier_init(&all_took, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, take, &got[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        ((volatile char *)unknown_mem(got[i]))[BYTES + 1] ^= 1;
        free(got[i]);
    }
}

static int fork_while_busy(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, stay_busy, NULL) == 0);
    for (int i = 0; i < FORKS; i++) {
        usleep(20000);
        pid_t pid = fork();
        if (pid == 0) {
            alarm(30);
            overrun_each();
            _exit(0);
        }
        EXPECT(child_reaped(pid, "fork while others are busy"));
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return expect_done();
}

static int count(const char *text, const char *word)
{
    int sum = 0;
    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        sum++;
    }
    return sum;
}

/* With an argument: only whether the children come to their end. By libgcc's unwinder, whose
 * lock the threads that are gone may have had, they have no whole stacks. */
int main(int argc, char **argv)
{
    static struct outcome out;
    bool only_ends = argc > 1 && strcmp(argv[1], "hang") == 0;
    if (UNDER_SANITIZER || memory_may_run_out())
        SKIP("level 3 needs its own SIGSEGV, and memory");
    if (argc > 1 && !only_ends)
        return fork_while_busy();
    REQUIRE(child_again(&out, "fork", "CHUNKY_CONF", "check=3,guard_rate=1,go_on=64"));
    EXPECT(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 0);
    if (only_ends)
        return expect_done();
    EXPECT(count(out.text, "heap overflow") == FORKS * THREADS);
    EXPECT_F(count(out.text, "allocated here") == FORKS * THREADS,
             "%d of %d have stacks", count(out.text, "allocated here"),
             FORKS * THREADS);
    return expect_done();
}
