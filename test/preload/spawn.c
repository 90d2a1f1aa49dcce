/*
 * Every way to start a process, from a process whose threads allocate all the time and whose
 * calls a timer's signal interrupts: vfork, posix_spawn, system, popen, fork.
 */
#include "allocator.h"

#include "support/child.h"
#include "support/expect.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { BUSY_THREADS = 3, CHILD_SECONDS = 120 };

static atomic_bool stop;
static atomic_long ticks;

static void *keep_busy(void *arg)
{
    for (uint64_t seed = (uint64_t)(uintptr_t)arg; !atomic_load(&stop); seed += 10)
        EXPECT(allocator_churn(seed, 500, 13) == 0);
    return NULL;
}

static void tick(int number)
{
    (void)number;
    atomic_fetch_add(&ticks, 1);
}

static void start_ticking(void)
{
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, 1500}, {0, 1500}};
    REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
    REQUIRE(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

static bool ended_with(pid_t pid, int wanted)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == wanted;
}

static void by_vfork(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
        _exit(1);
    }
    EXPECT(ended_with(pid, 3));
}

static void by_spawn(void)
{
    char *const argv[] = {(char *)"sh", (char *)"-c", (char *)"exit 4", NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    REQUIRE(posix_spawn_file_actions_init(&actions) == 0);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
    EXPECT(posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ) == 0);
    EXPECT(ended_with(pid, 4));
    posix_spawn_file_actions_destroy(&actions);
}

static void by_popen(void)
{
    char line[64] = "";
    FILE *from = popen("echo one two; exit 5", "r");
    REQUIRE(from != NULL);
    EXPECT(fgets(line, sizeof line, from) && !strcmp(line, "one two\n"));
    int status = pclose(from);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

/* The child has one thread; the locks and caches of the others are as the fork left them. */
static void by_fork(uint64_t seed)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct itimerval never = {{0, 0}, {0, 0}};
        setitimer(ITIMER_REAL, &never, NULL);
        signal(SIGALRM, SIG_DFL);
        alarm(CHILD_SECONDS);
        size_t refused = allocator_churn(seed, 2000, 18);
        refused += allocator_churn_threads(2, 0, 300, 12);
        _exit(refused ? 1 : 0);
    }
    REQUIRE(child_reaped(pid, "fork")); /* a second one that hangs tells nothing new */
}

int main(void)
{
    pthread_t threads[BUSY_THREADS];
    REQUIRE(allocator_is_preloaded());
    start_ticking();
    for (size_t i = 0; i < BUSY_THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, keep_busy, (void *)(i + 1)));
    for (long rounds = scaled(40, 8), i = 0; i < rounds; i++) {
        by_vfork();
        by_spawn();
        by_popen();
        EXPECT(system("exit 0") == 0);
        by_fork((uint64_t)i);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < BUSY_THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(atomic_load(&ticks) > 0);
    return expect_done();
}
