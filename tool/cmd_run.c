/*
 * chunky run: a command with Chunky preloaded; its exit status, signals and terminal stay
 * its own. With --report it is held just before it ends, while its memory is there.
 */
#include "relay.h"
#include "run.h"
#include "session.h"
#include "show.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
    relay_start();
    pid_t pid = run_start(o->command, o, false, &go);
    if (pid < 0)
        return (enum status)EXIT_CANNOT;
    run_catch(pid);
    bool traced = look && run_trace(pid);
    if (look && !traced)
        complain(STATUS_OK, "cannot hold the command at its end (%s): no report",
                 strerror(errno));
    close(go);
    if (traced && run_wait_held(pid, &status)) {
        relay_wait();
        found = !run_is_us(pid) && run_look(pid, o);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
    if (!traced || WIFSTOPPED(status))
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    run_catch(0);
    relay_end();
    if (WIFSIGNALED(status))
        run_die_like(status);
    return found && WEXITSTATUS(status) == 0 ? STATUS_FINDING
                                             : (enum status)WEXITSTATUS(status);
}
