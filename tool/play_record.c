/* Runs what is recorded; see play_record.h. State: the process, for signals. */
#include "play_record.h"

#include "play_list.h"
#include "play_trace.h"
#include "run.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NO_TRACE = 3 };

static volatile pid_t record_child;

/* Whoever ends this process means the program: its trace is written then. Signals come
 * here only while waitpid is waiting, which sets errno itself. */
static void record_forward(int signal)
{
    if (record_child > 0)
        kill(record_child, signal);
}

/* libchunky-record.so: with libchunky.so in a build, below it when installed. */
static bool record_library(char *path, size_t room)
{
    static const char *const places[] = {"%.*s/libchunky-record.so",
                                         "%.*s/chunky/libchunky-record.so"};
    char *beside = run_library();
    bool found = false;
    if (beside == NULL)
        return false;
    int folder = (int)(strrchr(beside, '/') - beside);
    for (size_t i = 0; i < sizeof places / sizeof places[0] && !found; i++) {
        int n = snprintf(path, room, places[i], folder, beside);
        found = n > 0 && (size_t)n < room && access(path, R_OK) == 0;
    }
    free(beside);
    return found;
}

static const char *record_name(const struct record_options *o)
{
    const char *name = o->program != NULL ? o->program : o->command[0];
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

static struct record_log *record_make(const struct record_options *o, int *fd)
{
    size_t size =
        sizeof(struct record_log) + 2 * (size_t)o->limit * sizeof(struct record_entry);
    *fd = memfd_create("chunky-record", MFD_CLOEXEC);
    if (*fd < 0 || ftruncate(*fd, (off_t)size) != 0)
        return NULL;
    struct record_log *log =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (log == MAP_FAILED)
        return NULL;
    log->magic = RECORD_MAGIC;
    log->limit = o->limit;
    log->slots = 2 * (uint64_t)o->limit;
    snprintf(log->wanted, sizeof log->wanted, "%s",
             o->program == NULL ? "" : o->program);
    return log;
}

/* The log is reached through this process: so its descriptor may be closed by anyone. */
static _Noreturn void record_exec(const struct record_options *o, const char *library,
                                  pid_t tool, int fd)
{
    char path[64], preload[2 * PATH_MAX];
    const char *before = getenv("LD_PRELOAD");
    bool more = before != NULL && before[0] != '\0';
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)tool, fd);
    snprintf(preload, sizeof preload, "%s%s%s", library, more ? ":" : "",
             more ? before : "");
    setenv(RECORD_VARIABLE, path, 1);
    setenv("LD_PRELOAD", preload, 1);
    signals_restore();
    execvp(o->command[0], o->command);
    int why = errno;
    fprintf(stderr, "chunky play: %s: %s\n", o->command[0], strerror(why));
    _exit(why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT);
}

/* The trace's file, opened before the program runs: hours of it may not end in a mistyped
 * name. What is in it stays until there is a trace. */
struct record_out {
    char name[PATH_MAX];
    int fd;
    bool is_new;
};

static bool record_open(struct record_out *out, const struct record_options *o)
{
    enum { FLAGS = O_WRONLY | O_CREAT | O_CLOEXEC, MODE = 0666 };
    snprintf(out->name, sizeof out->name, "%s", o->file != NULL ? o->file : "");
    if (o->file == NULL)
        snprintf(out->name, sizeof out->name, "%s.trace", record_name(o));
    out->fd = open(out->name, FLAGS | O_EXCL, MODE);
    out->is_new = out->fd >= 0;
    if (out->fd < 0 && errno == EEXIST)
        out->fd = open(out->name, FLAGS, MODE);
    if (out->fd < 0)
        fprintf(stderr, "chunky play: %s: %s\n", out->name, strerror(errno));
    return out->fd >= 0;
}

/* 0 if a trace was written. */
static int record_keep(const struct record_options *o, const struct record_log *log,
                       struct record_out *to)
{
    const char *file = to->name;
    char about[256];
    uint64_t calls = atomic_load(&log->calls);
    uint64_t kept = calls < log->limit ? calls : log->limit;
    uint32_t threads = atomic_load(&log->threads);
    if (atomic_load(&log->owner) == 0) {
        fprintf(
            stderr,
            "chunky play: %s was not recorded: no such program ran, or it is linked "
            "statically, or may not be preloaded\n",
            record_name(o));
        return EXIT_NO_TRACE;
    }
    snprintf(about, sizeof about,
             "%s: the first %" PRIu64 " of %" PRIu64 " calls, %" PRIu32 " thread%s",
             record_name(o), kept, calls, threads, threads == 1 ? "" : "s");
    for (char *c = about; *c != '\0'; c++)
        *c = (char)((unsigned char)*c < ' ' ? '?' : *c);
    FILE *out = fdopen(to->fd, "w");
    if (out == NULL) {
        fprintf(stderr, "chunky play: %s: %s\n", file, strerror(errno));
        return EXIT_NO_TRACE;
    }
    to->is_new = false;
    (void)!ftruncate(to->fd, 0); /* only a regular file can be cut */
    struct trace_sums sums = trace_write(out, log, about);
    if (fclose(out) != 0) {
        fprintf(stderr, "chunky play: %s: %s\n", file, strerror(errno));
        return EXIT_NO_TRACE;
    }
    fprintf(stderr, "chunky play: %s: %" PRIu64 " operations; %s\n", file,
            sums.operations, about);
    if (sums.left_out != 0)
        fprintf(stderr,
                "chunky play: %" PRIu64
                " block%s freed that nobody was seen to make: left out\n",
                sums.left_out, sums.left_out == 1 ? " was" : "s were");
    return 0;
}

/* What the program ended with, or 3. */
static int record_command(const struct record_options *o, const char *library,
                          struct record_out *out)
{
    int fd, status;
    struct record_log *log = record_make(o, &fd);
    if (log == NULL) {
        perror("chunky play: memory for the recording");
        return EXIT_NO_TRACE;
    }
    /* What a terminal sends goes to the program too; its trace is written then. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTERM, record_forward);
    signal(SIGHUP, record_forward);
    pid_t tool = getpid(), pid = fork();
    if (pid == 0)
        record_exec(o, library, tool, fd);
    record_child = pid;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_NO_TRACE;
    record_child = 0;
    int ended =
        WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
    if (ended == EXIT_NOT_FOUND || ended == EXIT_CANNOT)
        if (atomic_load(&log->owner) == 0)
            return ended;
    int kept = record_keep(o, log, out);
    return kept != 0 ? kept : ended;
}

int record_run(const struct record_options *o)
{
    char library[PATH_MAX];
    struct record_out out;
    if (!record_library(library, sizeof library)) {
        fprintf(stderr,
                "chunky play: libchunky-record.so is not beside this command or "
                "in ../lib/chunky; CHUNKY_RECORD_LIB=/path names it\n");
        return EXIT_NO_TRACE;
    }
    if (!record_open(&out, o))
        return EXIT_NO_TRACE;
    int status = record_command(o, library, &out);
    if (out.is_new) /* nothing was written to it */
        unlink(out.name);
    return status;
}
