/* Findings; see report.h and base/check.h. */
#include "front/report.h"

#include "base/probe.h"
#include "base/check.h"
#include "front/checked.h"
#include "front/describe.h"
#include "front/frames.h"
#include "front/guard.h"
#include "front/locate.h"
#include "front/mistake.h"
#include "front/options.h"
#include "front/snapshot.h"
#include "os/lock.h"
#include "os/os.h"

#include <fcntl.h>
#include <signal.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REPORT_ROOM = 8000, REPORT_WAIT_NS = 1000000, REPORT_NAME = REPORT_PATH + 32 };

#define SNAPSHOT_SUFFIX ".snap"

static bool report_has_snapshot; /* or it was tried */

static _Atomic uint32_t report_thread; /* who reports; given back by go_on only */
static int report_cancel;              /* what that thread's os_bar_cancel returned */
static sigset_t report_mask;           /* the same of its signals */
static bool report_is_cut;             /* a write failed, with a signal maybe */
static _Atomic unsigned report_survived;
static bool report_is_told; /* and nothing is left but the process's end */
SELDOM static char report_buffer[REPORT_ROOM];
static struct text report = {report_buffer, sizeof report_buffer, 0};
static struct located report_located;

char report_path[REPORT_PATH];
char report_relay[REPORT_RELAY];
_Atomic unsigned report_go_on;

void report_is_last(void)
{
    report_go_on = 0;
}

/* One more finding of the thread that reports: inside the report, or in the program's
 * handler of SIGABRT, which frees what was found, say. That one had its turn. */
static COLD _Noreturn void report_again(const char *text)
{
    if (!report_is_told) {
        say_bytes(2, report.data, report.length);
        say(2, "chunky: %s (while the report was made)\n", text);
    }
    signal(SIGABRT, SIG_DFL);
    abort();
}

/* A pipe without a reader and a file at its limit would end the process before the report
 * is whole. */
static void report_bar_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigaddset(&set, SIGXFSZ);
    sigprocmask(SIG_BLOCK, &set, &report_mask);
}

/* What our own writes brought is nobody else's. */
static void report_allow_signals(void)
{
    const struct timespec none = {0, 0};
    sigset_t set;
    sigemptyset(&set);
    if (!sigismember(&report_mask, SIGPIPE))
        sigaddset(&set, SIGPIPE);
    if (!sigismember(&report_mask, SIGXFSZ))
        sigaddset(&set, SIGXFSZ);
    while (report_is_cut && sigtimedwait(&set, NULL, &none) > 0) {
    }
    report_is_cut = false;
    sigprocmask(SIG_SETMASK, &report_mask, NULL);
}

static void report_leave(void)
{
    int cancel = report_cancel;
    report_allow_signals();
    report_thread = 0;
    os_allow_cancel(cancel);
}

/* True: it is to be told. The first finding gets through. Later ones of other threads wait
 * for the abort, or their turn; one inside the report itself leaves a line and ends the
 * process. `text`: the rule, or the call that a wrong pointer was given to. */
static bool report_enter(const char *text)
{
    uint32_t none = 0, self = os_thread_id();
    struct timespec wait = {0, REPORT_WAIT_NS};
    int cancel = os_bar_cancel();
    PROBE1(finding, (uintptr_t)text);
    while (!atomic_compare_exchange_strong(&report_thread, &none, self)) {
        if (none == self)
            report_again(text);
        none = 0;
        nanosleep(&wait, NULL);
    }
    unsigned most = report_go_on;
    report_cancel = cancel;
    report_bar_signals();
    if (most == 0 || report_survived++ < most)
        return true;
    report_leave();
    return false;
}

/* To whoever holds the other end of the pipe; false, and nothing went there, if nobody
 * does or it is full. Whole reports, also of several processes at once. */
static bool report_to_relay(void)
{
    struct stat st;
    int fd = report_relay[0] == '\0'
                 ? -1
                 : open(report_relay, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool done = false;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
        flock(fd, LOCK_EX);
        done = write(fd, report.data, report.length) == (ssize_t)report.length;
    }
    close(fd);
    return done;
}

/* The option's file, and behind it `suffix`; its length, 0 if it is too long. */
static size_t report_name(char name[REPORT_NAME], const char *suffix)
{
    struct text path = {name, REPORT_NAME - sizeof SNAPSHOT_SUFFIX, 0};
    name[0] = '\0';
    if (report_path[0] == '\0' || !text_add_path(&path, report_path, os_process_id()))
        return 0;
    path.capacity = REPORT_NAME;
    text_add(&path, "%s", suffix);
    return path.length;
}

/* The option's file, to append to, or -1; sets whether a snapshot can lie beside it. */
static int report_open(bool *is_file)
{
    char name[REPORT_NAME];
    struct stat st;
    *is_file = false;
    if (report_name(name, "") == 0)
        return -1;
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    *is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    return fd;
}

/* First to the file: who reads standard error may be gone, or slow. */
static void report_print(int fd)
{
    char name[REPORT_NAME];
    bool kept = fd >= 0 && say_bytes(fd, report.data, report.length);
    bool told = report_to_relay();
    report_is_cut = (fd >= 0 && !kept) || (!told && report_relay[0] != '\0');
    if (fd >= 0)
        close(fd);
    if (!told && !say_bytes(2, report.data, report.length))
        report_is_cut = true;
    if (!kept && report_name(name, "") != 0)
        say(2, "  the file %s could not be written\n", name);
}

static void report_look(const void *mem, bool is_file)
{
    char name[REPORT_NAME];
    if (!is_file || report_has_snapshot || report_name(name, SNAPSHOT_SUFFIX) == 0)
        text_add(&report, "  look: chunky what CORE %p; chunky check CORE%s\n", mem,
                 checked_level >= 2 && tune.guard_rate == 1
                     ? ""
                     : "; or run again with CHUNKY_CONF=check=3,guard_rate=1");
    else
        text_add(&report, "  look: chunky what %s %p; chunky map %s; chunky check %s\n",
                 name, mem, name, name);
}

/* Of the first finding: a process that goes on changes. */
static void report_snapshot(void)
{
    char name[REPORT_NAME];
    if (report_has_snapshot || report_name(name, SNAPSHOT_SUFFIX) == 0)
        return;
    report_has_snapshot = true;
    if (!snapshot_write(name)) {
        report_is_cut = true;
        say(2, "  the snapshot %s could not be written\n", name);
    }
}

static void report_end(const struct finding *f)
{
    struct frames now;
    const void *mem = f->mem;
    frames_find_own();
    frames_take_for_report(&now);
    if (f->pc != 0)
        frames_start_at(&now, f->pc);
    describe_frames(&report, "found here", &now);
    if (f->guard != NULL) {
        describe_frames(&report, "freed here", &f->guard->given);
        describe_frames(&report, "allocated here", &f->guard->taken);
    }
    bool is_file;
    int fd = report_open(&is_file);
    report_look(mem, is_file);
    unsigned most = report_go_on;
    if (most != 0)
        text_add(&report, "  going on (go_on=%u): %s; this was finding %u\n", most,
                 f->is_access   ? "the access is let through"
                 : f->is_served ? "the call goes on with all that may be the block's"
                                : "the call is refused, the block stays out of use",
                 report_survived);
    report_print(fd);
    if (is_file)
        report_snapshot();
    locate_done(&report_located);
    if (most == 0) {
        report_is_told = true;
        report_allow_signals();
        lock_forgive(); /* a handler of SIGABRT may allocate */
        abort();
    }
    report.length = 0;
    report_located = (struct located){.kind = LOCATED_NOWHERE};
    report_leave();
}

void report_sum(void)
{
    unsigned found = report_survived, most = report_go_on;
    if (found > most && most != 0)
        say(2, "chunky: %u findings, of which %u were told (go_on=%u)\n", found, most,
            most);
}

static void report_title(const struct finding *f)
{
    char program[32];
    os_program(program, sizeof program);
    text_add(&report, "chunky: %s%s%s\n  %s, process %d, thread %u\n",
             f->verb == NULL ? "" : f->verb, f->verb == NULL ? "" : ": ", f->rule,
             program, (int)getpid(), os_thread_id());
}

/* The lock is ours, and the pointer was located. */
static void report_located_finding(const struct finding *f)
{
    report_title(f);
    if (f->guard != NULL)
        describe_guarded(&report, f);
    else if (f->mem != NULL)
        describe_place(&report, f, (uintptr_t)f->mem + (uintptr_t)f->offset,
                       &report_located);
    report_end(f);
}

void report_finding(const struct finding *found)
{
    struct finding f = *found;
    int saved = errno;
    if (!report_enter(f.rule))
        return;
    if (f.guard == NULL)
        f.guard = guard_find((uintptr_t)f.mem);
    if (f.mem != NULL && f.guard == NULL)
        locate((uintptr_t)f.mem, &report_located);
    report_located_finding(&f);
    errno = saved;
}

_Noreturn void fail(const char *rule, const void *mem)
{
    struct finding f = {.rule = rule, .mem = mem};
    report_is_last();
    report_finding(&f);
    abort();
}

/* The lock is ours. */
static void report_not_live_mem(const void *mem, const char *verb, uintptr_t pc)
{
    struct finding f = {.verb = verb, .mem = mem, .pc = pc};
    const struct guard *g;
    g = f.guard = guard_find((uintptr_t)mem);
    if (g != NULL) {
        f.rule =
            g->state != GUARD_LIVE ? "double free: the block is free already"
            : g->mem == (uintptr_t)mem
                ? "overwritten header: heap overflow of the block before, or underflow"
                : "invalid pointer: into the middle of a block";
        report_located_finding(&f);
        return;
    }
    locate((uintptr_t)mem, &report_located);
    f.rule = mistake_name((uintptr_t)mem, &report_located);
    if (((uintptr_t)mem & (CHUNK_ALIGN - 1)) != 0 && report_located.kind < LOCATED_HEAP)
        f.rule = "invalid pointer: not aligned, so no block starts here";
    report_located_finding(&f);
}

void report_not_live_at(const void *mem, const char *verb, uintptr_t pc)
{
    int saved = errno;
    if (report_enter(verb))
        report_not_live_mem(mem, verb, pc);
    errno = saved;
}

void report_not_live(const void *mem, const char *verb)
{
    report_not_live_at(mem, verb, 0);
}

void report_guard(const struct guard *g, uintptr_t address, uintptr_t pc, bool is_write)
{
    struct finding f = {.mem = (void *)g->mem,
                        .offset = (ptrdiff_t)(address - g->mem),
                        .guard = g,
                        .is_access = true,
                        .pc = pc};
    if (g->state != GUARD_LIVE)
        f.rule = is_write ? "use after free: write" : "use after free: read";
    else if (address >= g->mem)
        f.rule = is_write ? "heap overflow: write behind the block"
                          : "heap overflow: read behind the block";
    else
        f.rule = is_write ? "heap underflow: write before the block"
                          : "heap underflow: read before the block";
    if (report_enter(f.rule))
        report_located_finding(&f);
}
