/* Holding the threads of a process by ptrace; see from_pid.h. State: in struct pid_state. */
#include "from_pid.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum {
    PID_STOPS = 64,
    PID_PATIENCE_MS =
        3000,           /* a thread that is on the processor stops in microseconds */
    VFORK_FLAG = 0x4000 /* CLONE_VFORK */
};

void pid_release(struct pid_state *state)
{
    for (size_t i = 0; i < state->stopped_count; i++)
        ptrace(PTRACE_DETACH, state->stopped[i].thread, NULL, /* a debugger's is not */
               (long)state->stopped[i].signal);
    free(state->stopped);
    state->stopped = NULL;
    state->stopped_count = 0;
}

static bool pid_has(const struct pid_state *state, pid_t thread)
{
    for (size_t i = 0; i < state->stopped_count; i++)
        if (state->stopped[i].thread == thread)
            return true;
    return false;
}

/* Who traces a thread, or 0, and the kernel's letter for its state; '?' of none. */
static pid_t pid_tracer(pid_t thread, char *state)
{
    char path[64], line[128];
    int tracer = 0;
    *state = '?';
    snprintf(path, sizeof path, "/proc/%d/status", (int)thread);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "State: %c", state) != 1)
            sscanf(line, "TracerPid: %d", &tracer);
    if (f != NULL)
        fclose(f);
    return tracer;
}

/* Whether a thread waits for a child that it made by vfork, as posix_spawn does. */
static bool pid_waits_for_child(pid_t thread)
{
    char path[64];
    long call = -1;
    unsigned long first = 0;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)thread);
    FILE *f = fopen(path, "re");
    int got = f == NULL ? 0 : fscanf(f, "%ld %lx", &call, &first);
    if (f != NULL)
        fclose(f);
#ifdef SYS_vfork
    if (got >= 1 && call == SYS_vfork)
        return true;
#endif
    return (got >= 1 && call == SYS_clone3) ||
           (got == 2 && call == SYS_clone && (first & VFORK_FLAG) != 0);
}

/* Waits until it stands. The kernel does not stop who sleeps for a child of vfork, or for
 * a device: then a line says so. */
static bool pid_await(struct source *s, struct pid_held *held)
{
    struct timespec pause = {0, 100000}, start, now;
    pid_t thread = held->thread, came;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while ((came = waitpid(thread, &status, __WALL | WNOHANG)) == 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - start.tv_sec) * 1000 +
                (now.tv_nsec - start.tv_nsec) / 1000000 >
            PID_PATIENCE_MS) {
            complain(STATUS_OK,
                     "%s cannot be stopped now: it waits %s; try again, or "
                     "without --stop",
                     s->title,
                     pid_waits_for_child(thread)
                         ? "for its child to end or to run a program (vfork)"
                         : "in the kernel, for a device perhaps");
            return false;
        }
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec < 10000000 ? pause.tv_nsec * 2 : pause.tv_nsec;
    }
    if (came == thread && WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_STOP)
        held->signal = WSTOPSIG(status);
    return true;
}

/* Stops one thread without a signal that the program could notice. One that ends in this
 * moment cannot be seized; it is as good as stopped. */
static bool pid_stop_thread(struct source *s, pid_t thread)
{
    struct pid_state *state = s->state;
    char letter = '?';
    bool ours = ptrace(PTRACE_SEIZE, thread, NULL, NULL) == 0;
    int why = errno;
    if (!ours && why == ESRCH)
        return true;
    pid_t tracer = ours ? 0 : pid_tracer(thread, &letter);
    bool ended = !ours && strchr("ZX?", letter) != NULL;
    bool stands = letter == 't' || ended;
    if (tracer != 0 && !stands)
        complain(STATUS_OK, "%s runs under a debugger (process %d): stop it there",
                 s->title, (int)tracer);
    else if (!ours && !stands)
        complain(STATUS_OK, "cannot stop process %d: %s", (int)s->pid, strerror(why));
    if (!ours && !stands)
        return false;
    /* What a debugger holds it may let go: not more than a running process. */
    s->reader.is_live = s->reader.is_live || (!ours && !ended);
    state->stopped = must(
        realloc(state->stopped, (state->stopped_count + 1) * sizeof *state->stopped));
    struct pid_held *held = &state->stopped[state->stopped_count++];
    *held = (struct pid_held){thread, 0};
    return !ours || ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
           pid_await(s, held);
}

/* New threads may start until all are stopped. */
enum status pid_stop(struct source *s)
{
    char path[64];
    bool again = true;
    s->reader.is_live = false;
    snprintf(path, sizeof path, "/proc/%d/task", (int)s->pid);
    for (unsigned round = 0; again && round < PID_STOPS; round++) {
        DIR *d = opendir(path);
        again = false;
        if (d == NULL)
            return complain(STATUS_UNREADABLE, "process %d is gone", (int)s->pid);
        for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
            pid_t thread = (pid_t)strtol(e->d_name, NULL, 10);
            if (thread <= 0 || pid_has(s->state, thread))
                continue;
            again = true;
            if (!pid_stop_thread(s, thread)) {
                closedir(d);
                return STATUS_UNREADABLE;
            }
        }
        closedir(d);
    }
    s->reader.is_live = s->reader.is_live || again;
    return STATUS_OK;
}

pid_t pid_alive(pid_t pid)
{
    char path[64], letter = 'Z';
    pid_t thread = pid;
    pid_tracer(pid, &letter);
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = letter == 'Z' ? opendir(path) : NULL;
    for (struct dirent *e; d != NULL && letter == 'Z' && (e = readdir(d)) != NULL;) {
        thread = (pid_t)strtol(e->d_name, NULL, 10);
        if (thread > 0)
            pid_tracer(thread, &letter);
    }
    if (d != NULL)
        closedir(d);
    return letter == 'Z' ? pid : thread;
}

bool pid_stands_still(pid_t pid, pid_t *tracer)
{
    char path[64], letter = 'T';
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    bool any = false, all = d != NULL;
    *tracer = 0;
    for (struct dirent *e; all && (e = readdir(d)) != NULL;) {
        pid_t thread = (pid_t)strtol(e->d_name, NULL, 10);
        pid_t by = thread <= 0 ? 0 : pid_tracer(thread, &letter);
        *tracer = by != 0 ? by : *tracer;
        any = any || thread > 0;
        all = letter == 'T' || letter == 't';
    }
    if (d != NULL)
        closedir(d);
    return any && all;
}
