/* Holding the threads of a process by ptrace; see from_pid.h. State: in struct pid_state. */
#include "from_pid.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { PID_STOPS = 64 };

void pid_release(struct pid_state *state)
{
    for (size_t i = 0; i < state->stopped_count; i++)
        ptrace(PTRACE_DETACH, state->stopped[i], NULL, NULL);
    free(state->stopped);
    state->stopped = NULL;
    state->stopped_count = 0;
}

static bool pid_has(const struct pid_state *state, pid_t thread)
{
    for (size_t i = 0; i < state->stopped_count; i++)
        if (state->stopped[i] == thread)
            return true;
    return false;
}

/* Stops one thread without a signal that the program could notice. */
static bool pid_stop_thread(struct pid_state *state, pid_t thread)
{
    int status;
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
        return errno == ESRCH; /* it has ended: as good as stopped */
    state->stopped = must(
        realloc(state->stopped, (state->stopped_count + 1) * sizeof *state->stopped));
    state->stopped[state->stopped_count++] = thread;
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0)
        waitpid(thread, &status, __WALL);
    return true;
}

/* New threads may start until all are stopped. */
enum status pid_stop(struct source *s)
{
    char path[64];
    bool again = true;
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
            if (!pid_stop_thread(s->state, thread)) {
                int why = errno;
                closedir(d);
                return complain(STATUS_UNREADABLE, "cannot stop process %d: %s",
                                (int)s->pid, strerror(why));
            }
        }
        closedir(d);
    }
    s->reader.is_live = false;
    return STATUS_OK;
}
