/*
 * Commands under Chunky; see run.h. State: the command that signals are passed on to.
 */
#include "run.h"

#include "relay.h"
#include "signals.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t run_child;

/* What a terminal sends goes to the child anyway; what a process sends is passed on. */
static void run_forward(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    if (run_child > 0 && info->si_code <= 0)
        kill(run_child, signal);
    errno = saved;
}

static const int run_signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
                                  SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};
enum { RUN_SIGNALS = sizeof run_signals / sizeof run_signals[0] };

void run_catch(pid_t pid)
{
    run_child = pid;
    struct sigaction act = {.sa_sigaction = run_forward,
                            .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < RUN_SIGNALS; i++)
        sigaction(run_signals[i], &act, NULL);
}

/* Who watches ends with what was passed on: SA_RESETHAND made it the default. */
static void run_forward_and_end(int signal, siginfo_t *info, void *context)
{
    run_forward(signal, info, context);
    raise(signal);
}

static void run_catch_ends(pid_t pid)
{
    run_child = pid;
    static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    struct sigaction before, act = {.sa_sigaction = run_forward_and_end,
                                    .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND)};
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(ends[i], &act, NULL);
}

static char *run_try(const char *format, const char *folder)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, format, folder);
    return access(path, R_OK) == 0 ? realpath(path, NULL) : NULL;
}

char *run_library(void)
{
    static const char *const places[] = {"%s/libchunky.so",
#ifdef CHUNKY_LIBDIR
                                         "%s/../" CHUNKY_LIBDIR "/libchunky.so.1",
                                         "%s/../" CHUNKY_LIBDIR "/libchunky.so",
#endif
                                         "%s/../lib/libchunky.so.1",
                                         "%s/../lib/libchunky.so",
                                         "%s/../lib64/libchunky.so.1"};
    char self[PATH_MAX], *found = NULL;
    const char *named = getenv("CHUNKY_LIB");
    if (named != NULL && named[0] != '\0')
        return run_try("%s", named);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return NULL;
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0] && found == NULL; i++)
        found = run_try(places[i], self);
    return found;
}

/* Ours first, so that it serves; what was there stays. */
static void run_preload(const char *library)
{
    const char *before = getenv("LD_PRELOAD");
    if (before == NULL || before[0] == '\0') {
        setenv("LD_PRELOAD", library, 1);
        return;
    }
    char *both = take(strlen(library) + strlen(before) + 2);
    sprintf(both, "%s:%s", library, before);
    setenv("LD_PRELOAD", both, 1);
    free(both);
}

static void run_add_conf(const char *entry)
{
    const char *before = getenv("CHUNKY_CONF");
    size_t length = before == NULL ? 0 : strlen(before);
    char *both = take(length + strlen(entry) + 2);
    sprintf(both, "%s%s%s", length == 0 ? "" : before, length == 0 ? "" : ",", entry);
    setenv("CHUNKY_CONF", both, 1);
    free(both);
}

static _Noreturn void run_exec(char **command, int ready)
{
    char go;
    while (read(ready, &go, 1) < 0 && errno == EINTR)
        ;
    close(ready);
    signals_restore();
    execvp(command[0], command);
    int why = errno;
    char *shown = text_printable(command[0]);
    complain(STATUS_OK, "%s: %s", shown, strerror(why));
    _exit(why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT);
}

static void run_silence(void)
{
    int fd = open("/dev/null", O_RDWR);
    for (int i = 0; fd >= 0 && i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

pid_t run_start(char **command, const struct options *o, bool silent, int *go)
{
    int ends[2];
    char *library = run_library();
    if (library == NULL) {
        complain(STATUS_OK,
                 "libchunky.so is not where this tool looks for it; CHUNKY_LIB="
                 "/path/of/libchunky.so names it");
        return -1;
    }
    if (pipe(ends) != 0)
        return -1;
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[1]);
        run_preload(library);
        char entry[RELAY_TEXT];
        if (relay_entry(entry, self))
            run_add_conf(entry);
        if (o != NULL && o->no_aslr)
            personality(ADDR_NO_RANDOMIZE);
        if (o != NULL && o->check != 0) {
            snprintf(entry, sizeof entry, "check=%llu", (unsigned long long)o->check);
            run_add_conf(entry);
        }
        if (silent) {
            run_silence();
            prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody else would end it */
        }
        run_exec(command, ends[0]);
    }
    free(library);
    close(ends[0]);
    *go = ends[1];
    return pid;
}

/* Lets a traced child go on that was stopped; false at its end. */
static bool run_goes_on(pid_t pid, int status)
{
    if (!WIFSTOPPED(status))
        return false;
    int event = status >> 16, signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_EXIT)
        return false;
    if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
        ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* job control stopped it */
    else
        ptrace(PTRACE_CONT, pid, NULL,
               (void *)(uintptr_t)(event == 0 ? (unsigned)signal : 0));
    return true;
}

bool run_wait_held(pid_t pid, int *status)
{
    for (;;) {
        pid_t got = waitpid(pid, status, __WALL);
        if (got < 0 && errno != EINTR)
            return false;
        if (got == pid && !run_goes_on(pid, *status))
            return WIFSTOPPED(*status);
    }
}

/* What of `seconds` is left since `start`; false: nothing. */
static bool run_left(const struct timespec *start, double seconds,
                     struct timespec *left)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    seconds -= (double)(now.tv_sec - start->tv_sec) +
               (double)(now.tv_nsec - start->tv_nsec) / 1e9;
    if (seconds <= 0)
        return false;
    left->tv_sec = (time_t)seconds;
    left->tv_nsec = (long)((seconds - (double)left->tv_sec) * 1e9);
    return true;
}

bool run_lives(pid_t pid, double seconds, int *status)
{
    struct timespec start, left;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL); /* waited for by name */
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        pid_t got = waitpid(pid, status, __WALL | WNOHANG);
        if (got < 0 && errno != EINTR)
            return false;
        if (got == pid && !run_goes_on(pid, *status))
            return false;
        if (got == pid)
            continue;
        if (!run_left(&start, seconds, &left))
            return true;
        sigtimedwait(&child, NULL, &left);
    }
}

static int run_exit_status(int status)
{
    return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_finish(pid_t pid)
{
    int status = 0;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    run_child = 0;
    return run_exit_status(status);
}

bool run_trace(pid_t pid)
{
    return ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)PTRACE_O_TRACEEXIT) == 0;
}

bool run_is_us(pid_t pid)
{
    char path[64], theirs[PATH_MAX], ours[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t a = readlink(path, theirs, sizeof theirs);
    ssize_t b = readlink("/proc/self/exe", ours, sizeof ours);
    return a > 0 && a == b && memcmp(theirs, ours, (size_t)a) == 0;
}

/* Starts a command that will be held at its end; -1 after a complaint. */
static pid_t run_traced(char **command, void (*catch_signals)(pid_t pid))
{
    int go;
    struct options none = {.arena = -1};
    pid_t pid = run_start(command, &none, false, &go);
    if (pid < 0)
        return -1;
    catch_signals(pid);
    bool traced = run_trace(pid);
    int why = errno;
    if (!traced)
        kill(pid, SIGKILL);
    close(go);
    if (traced)
        return pid;
    waitpid(pid, NULL, 0);
    complain(STATUS_UNREADABLE, "cannot hold the command at its end: %s",
             strerror(why));
    return -1;
}

bool run_is_held(pid_t pid, int *status)
{
    if (WIFSTOPPED(*status) && !run_is_us(pid))
        return true;
    if (WIFSTOPPED(*status)) {
        *status = run_finish(pid); /* it could not be run, and said so */
        return false;
    }
    *status = run_exit_status(*status);
    complain(STATUS_OK, "the command ended before its heap could be read");
    return false;
}

pid_t run_to_end(char **command, int *status)
{
    pid_t pid = run_traced(command, run_catch);
    *status = EXIT_CANNOT;
    if (pid < 0)
        return -1;
    run_wait_held(pid, status);
    signals_restore_some(run_signals, RUN_SIGNALS); /* looking on may be ended */
    return run_is_held(pid, status) ? pid : -1;
}

pid_t run_watched(char **command)
{
    return run_traced(command, run_catch_ends);
}

pid_t run_beside(char **command)
{
    enum { PATIENCE = 200 };
    int go;
    struct timespec pause = {0, 10000000};
    struct options none = {.arena = -1};
    pid_t pid = run_start(command, &none, true, &go);
    if (pid < 0)
        return -1;
    close(go);
    for (unsigned i = 0; i < PATIENCE && run_is_us(pid); i++)
        nanosleep(&pause, NULL);
    nanosleep(&(struct timespec){0, 300000000}, NULL); /* its heap starts */
    return pid;
}

void run_end(pid_t pid)
{
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
