/*
 * Starts and steps the private process; see play_session.h. It is traced: it stops
 * before it reads the next command, and its memory can be read in peace. Where tracing
 * is forbidden it is merely idle then, and its system calls are not seen.
 */
#include "play_session.h"

#include "core/trace.h"
#include "play_child.h"
#include "play_list.h"
#include "play_watch.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ptrace.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name, *options; /* as CHUNKY_CONF has them */
} modes[PLAY_MODES] = {
    [PLAY_COALESCE] = {"coalesce", "cache=0,fast_max=0"},
    [PLAY_BINS] = {"bins", "cache=0"},
    [PLAY_CACHE] = {"cache", ""},
};

const char *play_mode_name(enum play_mode mode)
{
    return modes[mode].name;
}

/* Between fork and exec. Never returns. */
static _Noreturn void session_become(const char *library, const char *options,
                                     const int *pipes, int traced)
{
    char commands[16], replies[16], conf[640];
    char self[PATH_MAX] = "/proc/self/exe";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? (size_t)length : strlen(self)] = '\0';
    char *const arguments[] = {"chunky", "play",  "--child", (char *)(uintptr_t)library,
                               commands, replies, NULL};
    char *const environment[] = {conf, NULL};
    snprintf(commands, sizeof commands, "%d", pipes[0]);
    snprintf(replies, sizeof replies, "%d", pipes[3]);
    snprintf(conf, sizeof conf, "CHUNKY_CONF=%s", options);
    close(pipes[1]);
    close(pipes[2]);
    close(pipes[4]);
    dup2(pipes[5], 2);
    close(pipes[5]);
    personality(ADDR_NO_RANDOMIZE);
    char may = ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 'y' : 'n';
    if (write(traced, &may, 1) == 1)
        execve(self, arguments, environment);
    _exit(3);
}

/* Without tracing: until the answer is there. */
static bool session_wait(struct play_session *s)
{
    struct child_reply reply;
    if (read(s->replies, &reply, sizeof reply) == (ssize_t)sizeof reply) {
        s->result = reply.result;
        s->error = reply.error;
        return true;
    }
    int status;
    waitpid(s->pid, &status, 0);
    watch_died(s, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    s->pid = -1;
    return false;
}

static bool session_greet(struct play_session *s)
{
    struct child_hello hello;
    if (s->traced) {
        int status;
        if (waitpid(s->pid, &status, 0) != s->pid || !WIFSTOPPED(status))
            return false;
        ptrace(PTRACE_SETOPTIONS, s->pid, NULL,
               (long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL));
        ptrace(PTRACE_SYSCALL, s->pid, NULL, 0L);
        if (!watch_run(s) || s->ended)
            return false;
    }
    if (read(s->replies, &hello, sizeof hello) != (ssize_t)sizeof hello)
        return false;
    s->root = hello.root;
    s->ring = hello.trace;
    s->busy = hello.busy;
    s->stride = hello.stride;
    return true;
}

bool play_session_start(struct play_session *s, enum play_mode mode, const char *more)
{
    char options[512], *library = run_library();
    int pipes[6], traced[2];
    char may = 'n';
    memset(s, 0, sizeof *s);
    if (library == NULL) {
        fprintf(stderr,
                "chunky play: libchunky.so was not found beside this command or "
                "in ../lib; CHUNKY_LIB=/path/libchunky.so names it\n");
        return false;
    }
    /* However slowly one steps, to the engine it is a program that runs; and the break is
     * its own, though libc's malloc is there too, for what the child needs at its start. */
    snprintf(options, sizeof options, "%s%ssbrk=1,request=1,purge_hold_ms=3600000%s%s",
             modes[mode].options, modes[mode].options[0] == '\0' ? "" : ",",
             more == NULL ? "" : ",", more == NULL ? "" : more);
    if (pipe(pipes) != 0 || pipe(pipes + 2) != 0 || pipe2(pipes + 4, O_NONBLOCK) != 0 ||
        pipe2(traced, O_CLOEXEC) != 0) {
        perror("chunky play: pipe");
        return false;
    }
    s->pid = fork();
    if (s->pid == 0)
        session_become(library, options, pipes, traced[1]);
    free(library);
    close(pipes[0]);
    close(pipes[3]);
    close(pipes[5]);
    close(traced[1]);
    s->commands = pipes[1];
    s->replies = pipes[2];
    s->report = pipes[4];
    s->command_end = pipes[0];
    if (read(traced[0], &may, 1) != 1)
        may = 'n';
    close(traced[0]);
    s->traced = may == 'y';
    if (s->pid > 0 && session_greet(s)) {
        s->kernel[0] = s->pid;
        snprintf(s->name[0], sizeof s->name[0], "main");
        return true;
    }
    watch_collect(s);
    fprintf(stderr, "chunky play: the process to look at did not start%s%s\n",
            s->text == NULL ? "" : ": ", s->text == NULL ? "" : s->text);
    play_session_stop(s);
    return false;
}

/* What the child answers to a command. */
static bool session_hear(struct play_session *s)
{
    struct child_reply reply;
    if (read(s->replies, &reply, sizeof reply) != (ssize_t)sizeof reply)
        return false;
    s->result = reply.result;
    s->error = reply.error;
    return true;
}

static bool session_send(struct play_session *s, const struct child_command *command)
{
    s->calls = s->rules = 0;
    if (write(s->commands, command, sizeof *command) != (ssize_t)sizeof *command)
        return false;
    if (!s->traced)
        return session_wait(s);
    ptrace(PTRACE_SYSCALL, s->pid, NULL, 0L);
    if (!watch_run(s))
        return false;
    if (s->ended)
        return true;
    return session_hear(s);
}

/* Lets the process run from command to command; only signals stop it. */
static bool session_send_loose(struct play_session *s,
                               const struct child_command *command)
{
    struct pollfd answer = {.fd = s->replies, .events = POLLIN};
    s->calls = s->rules = 0;
    if (!s->loose)
        ptrace(PTRACE_CONT, s->pid, NULL, 0L);
    s->loose = true;
    if (write(s->commands, command, sizeof *command) != (ssize_t)sizeof *command)
        return false;
    while (poll(&answer, 1, 1) <= 0) {
        watch_let_go(s);
        if (s->ended || s->pid < 0)
            return s->pid >= 0;
    }
    return session_hear(s);
}

/* Back to where each call is seen. What happened meanwhile is not this step's. */
static bool session_tighten(struct play_session *s)
{
    struct child_command where = {CHILD_BREAK, 0, 0, 0, 0};
    if (!s->loose)
        return true;
    s->loose = false;
    for (unsigned i = 0; i < CHILD_THREADS; i++)
        if (s->kernel[i] != 0)
            tgkill(s->pid, s->kernel[i], SIGSTOP);
    if (!watch_run(s) || s->ended || !session_send(s, &where))
        return false;
    s->brk = s->result;
    watch_get(s, s->ring + offsetof(struct trace, next), &s->seen, sizeof s->seen);
    return true;
}

/* The entries that the ring got in this step. */
static void session_rules(struct play_session *s)
{
    uint32_t next = 0;
    s->rules = 0;
    if (!watch_get(s, s->ring + offsetof(struct trace, next), &next, sizeof next))
        return;
    uint32_t count = next - s->seen;
    s->rules_lost = count > TRACE_ROOM ? count - TRACE_ROOM : 0;
    count -= s->rules_lost;
    s->rule = list_room(s->rule, &s->rule_room, 0, count, sizeof *s->rule);
    for (uint32_t i = next - count; i != next; i++) {
        struct trace_entry entry;
        uint64_t at =
            s->ring + offsetof(struct trace, ring) + (i % TRACE_ROOM) * sizeof entry;
        if (watch_get(s, at, &entry, sizeof entry))
            s->rule[s->rules++] = (struct play_rule){entry.rule, entry.value};
    }
    s->seen = next;
}

const char *play_session_thread_name(const struct play_session *s, uint32_t kernel)
{
    for (size_t i = 0; i < CHILD_THREADS; i++)
        if (kernel != 0 && (uint32_t)s->kernel[i] == kernel)
            return s->name[i];
    return "?";
}

bool play_session_skip(struct play_session *s, const struct play_op *op, uint64_t mem)
{
    struct child_command command = {(uint32_t)op->verb, op->thread, mem, op->a, op->b};
    struct child_command start = {CHILD_START, op->thread, 0, 0, 0};
    if (!s->traced || op->part != PLAY_WHOLE || s->held || s->hold != 0)
        return play_session_step(s, op, mem);
    if (op->thread != 0 && s->kernel[op->thread] == 0) {
        if (!session_send_loose(s, &start))
            return false;
        s->kernel[op->thread] = (pid_t)s->result;
    }
    s->result = s->error = 0;
    if (!session_send_loose(s, &command))
        return false;
    if (op->verb == PLAY_EXIT)
        s->kernel[op->thread] = 0;
    return true;
}

bool play_session_step(struct play_session *s, const struct play_op *op, uint64_t mem)
{
    struct child_command command = {(uint32_t)op->verb, op->thread, mem, op->a, op->b};
    if (!session_tighten(s))
        return false;
    if (op->thread != 0 && s->kernel[op->thread] == 0) {
        struct child_command start = {CHILD_START, op->thread, 0, 0, 0};
        s->acting = op->thread;
        if (!session_send(s, &start))
            return false;
        s->kernel[op->thread] = (pid_t)s->result;
    }
    s->result = s->error = 0;
    s->acting = op->thread;
    s->released = false;
    s->awaited = 0;
    if (op->part == PLAY_HELD && s->traced) {
        command.verb |= CHILD_ASYNC;
        s->hold = s->kernel[op->thread];
    }
    if (op->part == PLAY_FINISH && s->traced) {
        command.verb = CHILD_JOIN;
        if (s->held)
            ptrace(PTRACE_SYSCALL, s->hold, NULL, 0L);
        s->hold = 0;
        s->held = false;
    }
    if (op->part == PLAY_FINISH && !s->traced) {
        s->result = s->early[0];
        s->error = s->early[1];
        return true;
    }
    if (!session_send(s, &command))
        return false;
    if (op->verb == PLAY_EXIT)
        s->kernel[op->thread] = 0;
    s->early[0] = s->result;
    s->early[1] = s->error;
    session_rules(s);
    return true;
}

void play_session_stop(struct play_session *s)
{
    if (s->pid > 0) {
        pid_t gone;
        kill(s->pid, SIGKILL);
        /* Traced threads are waited for one by one, the first one last. */
        do
            gone = waitpid(-1, NULL, __WALL);
        while (gone != s->pid && (gone > 0 || errno == EINTR));
    }
    if (s->commands != 0) {
        close(s->commands);
        close(s->replies);
        close(s->report);
    }
    free(s->call);
    free(s->rule);
    free(s->text);
    free(s->tracee);
    memset(s, 0, sizeof *s);
}
