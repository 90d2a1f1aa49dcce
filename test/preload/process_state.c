/*
 * Nothing of the process changes unless asked for: no thread, no signal handler or mask, no
 * file descriptor, no prctl, no timer, no environment, errno as it was.
 */
#include "allocator.h"

#include "support/expect.h"
#include "support/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>

static void no_signals(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0)
            EXPECT_F(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN,
                     "signal %d has a handler", number);
    }
    sigset_t mask, pending;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    EXPECT(sigisemptyset(&mask) && sigisemptyset(&pending));
    stack_t stack;
    EXPECT(sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE));
}

/* The test's own reading of a folder has one descriptor open. */
static void no_descriptors(long before)
{
    long open_now = 0;
    for (int fd = 0; fd < 1024; fd++)
        open_now += fcntl(fd, F_GETFD) >= 0;
    EXPECT_F(open_now == before, "%ld descriptors were open, now %ld", before,
             open_now);
}

static void no_settings(void)
{
    struct itimerval timer;
    EXPECT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
    EXPECT(prctl(PR_GET_DUMPABLE) == 1);
    EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    EXPECT(prctl(PR_GET_TIMERSLACK) == 50000);
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++)
        EXPECT(getitimer((__itimer_which_t)which, &timer) == 0 &&
               timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0);
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    EXPECT(!strncmp(name, "preload_process", 15));
}

int main(int argc, char **argv)
{
    long before = argc > 1 ? atol(argv[1]) : 0;
    REQUIRE(allocator_is_preloaded());
    if (!before) {
        /* The descriptors that this program was started with are the caller's. */
        char count[16];
        for (int fd = 3; fd < 1024; fd++)
            close(fd);
        snprintf(count, sizeof count, "%d",
                 (fcntl(0, F_GETFD) >= 0) + (fcntl(1, F_GETFD) >= 0) +
                     (fcntl(2, F_GETFD) >= 0));
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (int number = 1; number < NSIG; number++)
            signal(number, SIG_DFL);
        prctl(PR_SET_TIMERSLACK, 50000);
        allocator_again(count);
    }
    long words = 0;
    for (char **variable = environ; *variable; variable++)
        words++;
    prctl(PR_SET_NAME, "preload_process");
    errno = 77;
    void *mem = malloc(100);
    free(mem);
    EXPECT(errno == 77);

    for (int round = 0; round < 2; round++) {
        no_signals();
        no_descriptors(before);
        no_settings();
        EXPECT_F(proc_status("Threads", 10) == 1, "%ld threads",
                 proc_status("Threads", 10));
        if (round == 0) {
            EXPECT(allocator_churn(5, 60000, 21) == 0);
            EXPECT(allocator_churn_threads(4, 0, 20000, 16) == 0);
        }
    }
    for (char **variable = environ; *variable; variable++)
        words--;
    EXPECT(words == 0);
    return expect_done();
}
