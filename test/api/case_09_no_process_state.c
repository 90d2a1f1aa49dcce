/* Acceptance case 9: does the allocator, used in every way, change nothing that is the
 * process's: signal handlers and masks, prctl, threads, descriptors, limits, the
 * environment? */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/proc.h"

enum { FIRST_FREE_FD = 3, MANY_FDS = 256 };

static struct outcome out;

static void no_signal_is_handled(void)
{
    for (int number = 1; number < SIGRTMIN; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action))
            continue; /* 32 and 33 are the C library's */
        EXPECT_F(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN,
                 "signal %d has a handler", number);
    }
    sigset_t mask;
    REQUIRE(!sigprocmask(SIG_SETMASK, NULL, &mask));
    for (int number = 1; number <= SIGRTMAX; number++)
        EXPECT_F(sigismember(&mask, number) <= 0, "signal %d is blocked", number);
    stack_t stack;
    REQUIRE(!sigaltstack(NULL, &stack));
    EXPECT(stack.ss_flags & SS_DISABLE);
}

static void prctl_is_untouched(void)
{
    EXPECT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
    EXPECT(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
    EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    EXPECT(prctl(PR_GET_CHILD_SUBREAPER, &(int){0}, 0, 0, 0) == 0);
    EXPECT(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == 50000);
    char name[16] = "";
    prctl(PR_GET_NAME, name, 0, 0, 0);
    EXPECT_F(!strcmp(name, "exe") || strstr(name, "case_09"), "thread name %s", name);
    EXPECT(proc_status("VmLck", 10) == 0);
    EXPECT(proc_status("Seccomp", 10) == 0);
    EXPECT(proc_status("TracerPid", 10) == 0);
    EXPECT(sched_getscheduler(0) == SCHED_OTHER);
}

static void no_descriptor_is_open(void)
{
    for (int fd = FIRST_FREE_FD; fd < MANY_FDS; fd++)
        EXPECT_F(fcntl(fd, F_GETFD) == -1, "descriptor %d is open", fd);
}

static void *allocate(void *unused)
{
    for (size_t i = 0; i < 5000; i++)
        free(malloc(i * 37 % 100000));
    return unused;
}

/* Everything that might make an allocator reach for such means. */
static void use_the_heap(void)
{
    static void *mem[20000];
    pthread_t thread;
    for (size_t i = 0; i < 20000; i++)
        mem[i] = malloc(i % 3000);
    for (size_t i = 0; i < 20000; i++)
        free(mem[i]);
    free(realloc(malloc(1000000), 50000000));
    free(memalign(1 << 20, 1 << 20));
    malloc_trim(0);
    mallinfo2();
    REQUIRE(!pthread_create(&thread, NULL, allocate, NULL));
    pthread_join(thread, NULL);
}

static int look_inside(void)
{
    struct rlimit before[RLIM_NLIMITS];
    for (int i = 0; i < (int)RLIM_NLIMITS; i++)
        getrlimit((__rlimit_resource_t)i, &before[i]);
    mode_t mask = umask(022);
    unsigned long persona = (unsigned long)personality(0xffffffff);
    int priority = getpriority(PRIO_PROCESS, 0);
    no_signal_is_handled(); /* what happened before main */
    prctl_is_untouched();
    no_descriptor_is_open();
    EXPECT(proc_status("Threads", 10) == 1);

    use_the_heap();

    no_signal_is_handled();
    prctl_is_untouched();
    no_descriptor_is_open();
    EXPECT(proc_status("Threads", 10) == 1);
    EXPECT(umask(mask) == 022);
    EXPECT((unsigned long)personality(0xffffffff) == persona);
    EXPECT(getpriority(PRIO_PROCESS, 0) == priority);
    for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
        struct rlimit now;
        getrlimit((__rlimit_resource_t)i, &now);
        EXPECT_F(now.rlim_cur == before[i].rlim_cur &&
                     now.rlim_max == before[i].rlim_max,
                 "limit %d changed", i);
    }
    return expect_done();
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return look_inside();
    if (UNDER_SANITIZER)
        SKIP("a sanitizer has handlers of its own");
    /* A process that inherits nothing unusual. */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = FIRST_FREE_FD; fd < MANY_FDS; fd++)
        close(fd);
    EXPECT(child_again(&out, "look", NULL, NULL));
    fputs(out.text, stderr);
    EXPECT(child_is_fine(&out));
    return expect_done();
}
