/*
 * chunky run: a command with Chunky preloaded; its exit status, signals and terminal stay
 * its own. With --report it is held just before it ends, while its memory is there.
 */
#include "session.h"
#include "show.h"
#include "signals.h"
#include "symbol.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_CANNOT = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

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

static void run_catch(void)
{
    struct sigaction act = {.sa_sigaction = run_forward,
                            .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof run_signals / sizeof run_signals[0]; i++)
        sigaction(run_signals[i], &act, NULL);
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

/* --- reports of the command, and of what it starts ------------------------------ */

/* They are written into a pipe that is found by our number and its own. */
static struct {
    pthread_t reader;
    int out, in;
    bool runs;
    bool told; /* there was a report */
} run_relay = {.out = -1, .in = -1};

static void *run_read_reports(void *unused)
{
    struct symbols *s = symbols_open();
    FILE *in = fdopen(run_relay.out, "r");
    char *line = NULL;
    size_t room = 0;
    while (in != NULL && getline(&line, &room, in) > 0) {
        run_relay.told = true;
        symbols_line(s, line, stderr);
    }
    free(line);
    if (in != NULL)
        fclose(in);
    symbols_close(s);
    return unused;
}

static void run_relay_start(void)
{
    int ends[2];
    sigset_t all, before;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    run_relay.out = ends[0];
    run_relay.in = ends[1];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    run_relay.runs =
        pthread_create(&run_relay.reader, NULL, run_read_reports, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* All that was reported is printed. */
static void run_relay_end(void)
{
    if (!run_relay.runs)
        return;
    close(run_relay.in);
    pthread_join(run_relay.reader, NULL);
    run_relay.runs = false;
}

/* In the child. */
static void run_relay_name(pid_t parent)
{
    char entry[64];
    if (!run_relay.runs)
        return;
    snprintf(entry, sizeof entry, "relay=/proc/%d/fd/%d", (int)parent, run_relay.in);
    run_add_conf(entry);
}

/* Starts the command; it waits until `*go` is closed. */
static pid_t run_start(char **command, const struct options *o, bool silent, int *go)
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
        run_relay_name(self);
        if (o != NULL && o->no_aslr)
            personality(ADDR_NO_RANDOMIZE);
        if (o != NULL && o->check != 0) {
            char entry[32];
            snprintf(entry, sizeof entry, "check=%llu", (unsigned long long)o->check);
            run_add_conf(entry);
        }
        if (silent)
            run_silence();
        run_exec(command, ends[0]);
    }
    free(library);
    close(ends[0]);
    *go = ends[1];
    return pid;
}

/* Waits for the traced child's next stop or end; true while it is held at its end. */
static bool run_wait_held(pid_t pid, int *status)
{
    for (;;) {
        if (waitpid(pid, status, __WALL) < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        if (!WIFSTOPPED(*status))
            return false;
        int event = *status >> 16, signal = WSTOPSIG(*status);
        if (event == PTRACE_EVENT_EXIT)
            return true;
        if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
            ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* job control stopped it */
        else
            ptrace(PTRACE_CONT, pid, NULL,
                   (void *)(uintptr_t)(event == 0 ? (unsigned)signal : 0));
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

/* Traces the child for its end. */
static bool run_trace(pid_t pid)
{
    return ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)PTRACE_O_TRACEEXIT) == 0;
}

/* The command was not started: its process is still this program. */
static bool run_is_us(pid_t pid)
{
    char path[64], theirs[PATH_MAX], ours[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t a = readlink(path, theirs, sizeof theirs);
    ssize_t b = readlink("/proc/self/exe", ours, sizeof ours);
    return a > 0 && a == b && memcmp(theirs, ours, (size_t)a) == 0;
}

pid_t run_to_end(char **command, int *status)
{
    int go;
    struct options none = {.arena = -1};
    pid_t pid = run_start(command, &none, false, &go);
    *status = EXIT_CANNOT;
    if (pid < 0)
        return -1;
    run_child = pid;
    run_catch();
    if (!run_trace(pid)) {
        int why = errno;
        kill(pid, SIGKILL);
        close(go);
        waitpid(pid, NULL, 0);
        complain(STATUS_UNREADABLE, "cannot hold the command at its end: %s",
                 strerror(why));
        return -1;
    }
    close(go);
    if (run_wait_held(pid, status)) {
        if (!run_is_us(pid))
            return pid;
        *status = run_finish(pid); /* it could not be run, and said so */
        return -1;
    }
    *status = run_exit_status(*status);
    complain(STATUS_OK, "the command ended before its heap could be read");
    return -1;
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

static void run_report(struct draw *d, struct scan *s)
{
    struct survey v;
    survey_take(&v, s, true, true);
    survey_kernel(&v);
    fprintf(d->out, "chunky: the heap of %s at its end\n", s->source->title);
    show_arenas(d, &v);
    show_waterfall(d, &v);
    show_identity(d, &v);
    show_bins(d, s, 12);
    for (size_t i = 0; i < s->heap_count; i++) {
        struct scan_heap *h = &s->heaps[i];
        if (!h->is_main)
            continue;
        struct map_style style = {.cell = map_cell_for(h->h.end - h->h.start)};
        fprintf(d->out, "  the main heap at 0x%llx\n", (unsigned long long)h->h.start);
        map_heap(d, s, h, &style, NULL);
        map_legend(d, &style);
    }
    show_notes(d, &v);
    survey_free(&v);
}

/* What a held process is about to end with is a signal. */
static bool run_is_killed(pid_t pid)
{
    unsigned long status = 0;
    return ptrace(PTRACE_GETEVENTMSG, pid, NULL, &status) == 0 &&
           WIFSIGNALED((int)status);
}

/* Its heap for later, with what lay in it. */
static void run_keep(struct session *n, pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "chunky-%d.snap", (int)pid);
    n->options->bytes = true;
    fputs("chunky: kept in ", stderr);
    dump_session(n, path, stderr);
}

/* The held child: report, audit. Returns true if a rule was found broken. */
static bool run_look(pid_t pid, struct options *o)
{
    struct session n = {.options = o, .out = stderr};
    bool found = false;
    if (source_open_pid(&n.source, pid, false) == STATUS_OK &&
        scan_open(&n.scan, &n.source) == STATUS_OK) {
        n.source.reader.is_live = false;
        draw_open(&n.draw, stderr, o);
        if (o->report)
            run_report(&n.draw, &n.scan);
        if (o->wants_check)
            found = check_print(&n.draw, &n.scan, o) != 0;
        draw_close(&n.draw);
        if (o->report && run_is_killed(pid))
            run_keep(&n, pid);
        scan_close(&n.scan);
    }
    source_close(&n.source);
    return found;
}

/* The child's own core is enough. */
static _Noreturn void run_die_like(int status)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(WTERMSIG(status), SIG_DFL);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    raise(WTERMSIG(status));
    _exit(EXIT_SIGNAL + WTERMSIG(status));
}

enum status cmd_run(struct options *o)
{
    int go, status = 0;
    bool look = o->report || o->wants_check, found = false;
    if (o->command == NULL)
        return complain(STATUS_USAGE, "run what? chunky run [--report] -- CMD");
    run_relay_start();
    pid_t pid = run_start(o->command, o, false, &go);
    if (pid < 0)
        return (enum status)EXIT_CANNOT;
    run_child = pid;
    run_catch();
    bool traced = look && run_trace(pid);
    if (look && !traced)
        complain(STATUS_OK, "cannot hold the command at its end (%s): no report",
                 strerror(errno));
    close(go);
    if (traced && run_wait_held(pid, &status)) {
        found = !run_is_us(pid) && run_look(pid, o);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
    if (!traced || WIFSTOPPED(status))
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    run_child = 0;
    run_relay_end();
    if (WIFSIGNALED(status))
        run_die_like(status);
    return found && WEXITSTATUS(status) == 0 ? STATUS_FINDING
                                             : (enum status)WEXITSTATUS(status);
}
