/* Stops of the private process, and what they mean; see play_watch.h. No state. */
#include "play_watch.h"

#include "play_child.h"
#include "play_list.h"

#include <linux/futex.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct play_tracee {
    pid_t thread;
    bool inside;           /* a system call */
    struct play_call call; /* the one it is in */
};

bool watch_get(const struct play_session *s, uint64_t address, void *out, size_t size)
{
    struct iovec here = {out, size}, there = {(void *)(uintptr_t)address, size};
    return process_vm_readv(s->pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* All that the process wrote to stderr. */
void watch_collect(struct play_session *s)
{
    char buffer[4096];
    size_t length = s->text == NULL ? 0 : strlen(s->text);
    ssize_t got;
    while ((got = read(s->report, buffer, sizeof buffer)) > 0) {
        char *more = realloc(s->text, length + (size_t)got + 1);
        if (more == NULL)
            return;
        s->text = more;
        memcpy(more + length, buffer, (size_t)got);
        length += (size_t)got;
        more[length] = '\0';
    }
}

static struct play_tracee *watch_tracee(struct play_session *s, pid_t thread)
{
    for (size_t i = 0; i < s->tracees; i++)
        if (s->tracee[i].thread == thread)
            return &s->tracee[i];
    s->tracee = list_room(s->tracee, &s->tracee_room, s->tracees, 1, sizeof *s->tracee);
    s->tracee[s->tracees] = (struct play_tracee){.thread = thread};
    return &s->tracee[s->tracees++];
}

static bool watch_wants(uint64_t number)
{
    return number == SYS_brk || number == SYS_mmap || number == SYS_munmap ||
           number == SYS_mremap || number == SYS_madvise || number == SYS_mprotect;
}

static void watch_note(struct play_session *s, struct play_call *call, uint64_t result)
{
    call->result = result;
    if (call->number == SYS_brk) {
        call->moved = s->brk == 0 ? 0 : (int64_t)(result - s->brk);
        s->brk = result;
        if (call->moved == 0)
            return;
    }
    s->call = list_room(s->call, &s->call_room, s->calls, 1, sizeof *s->call);
    s->call[s->calls++] = *call;
}

enum stop { STOP_NOTHING, STOP_READY, STOP_HELD, STOP_PARKED };

/* A thread of the script has work to do; the first one is not asked. */
static bool watch_is_busy(const struct play_session *s, pid_t thread)
{
    for (unsigned i = 1; i < CHILD_THREADS; i++) {
        uint32_t busy = 0;
        if (s->kernel[i] == thread)
            return watch_get(s, s->busy + i * s->stride, &busy, sizeof busy) &&
                   busy != 0;
    }
    return false;
}

/* A futex wait that is not for one of play's own semaphores is for a lock of the engine. */
static bool watch_waits_for_lock(const struct play_session *s, const uint64_t *argument)
{
    uint64_t operation = argument[1] & 0x7f;
    bool own = argument[0] - (s->busy - s->stride) < (CHILD_THREADS + 1) * s->stride;
    return (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET) && !own;
}

/* Not a thread that is just being made, or the first one while it waits for another. */
static bool watch_works(const struct play_session *s, pid_t thread)
{
    if (thread == s->pid)
        return s->acting == 0;
    for (unsigned i = 1; i < CHILD_THREADS; i++)
        if (s->kernel[i] == thread)
            return true;
    return false;
}

/* If a thread waits for the lock that the held one has, that one must go on. The other is
 * parked until its call is done: or what they do would be mixed as chance has it. */
static bool watch_release(struct play_session *s, pid_t thread,
                          const uint64_t *argument)
{
    if (!s->held || thread == s->hold || !watch_waits_for_lock(s, argument) ||
        !watch_works(s, thread))
        return false;
    ptrace(PTRACE_SYSCALL, s->hold, NULL, 0L);
    s->held = false;
    s->awaited = s->hold;
    s->parked = thread;
    s->hold = 0;
    s->released = true;
    return true;
}

/* The awaited thread is done, or waits for something itself. */
static void watch_unpark(struct play_session *s, pid_t thread, const uint64_t *argument)
{
    if (s->parked == 0 || thread != s->awaited ||
        (watch_is_busy(s, thread) && !watch_waits_for_lock(s, argument)))
        return;
    ptrace(PTRACE_SYSCALL, s->parked, NULL, 0L);
    s->parked = 0;
}

static enum stop watch_entry(struct play_session *s, pid_t thread, uint64_t number,
                             const uint64_t *argument)
{
    if (thread == s->pid && number == SYS_read &&
        argument[0] == (uint64_t)s->command_end)
        return STOP_READY;
    if (number == SYS_futex) {
        if (watch_release(s, thread, argument))
            return STOP_PARKED;
        watch_unpark(s, thread, argument);
    }
    if (thread != s->hold || s->held)
        return STOP_NOTHING;
    if (number == SYS_brk && argument[0] != 0)
        return STOP_HELD;
    /* Before, it may still be on its way to wait for work. */
    if (s->ready && number == SYS_futex && !watch_is_busy(s, thread))
        s->hold = 0;
    return STOP_NOTHING;
}

/* A stop at a system call's start or end. */
static enum stop watch_call(struct play_session *s, pid_t thread)
{
    struct ptrace_syscall_info info;
    struct play_tracee *t = watch_tracee(s, thread);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0)
        return STOP_NOTHING;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        t->inside = true;
        t->call.number = info.entry.nr;
        memcpy(t->call.argument, info.entry.args, sizeof t->call.argument);
        return watch_entry(s, thread, info.entry.nr, t->call.argument);
    }
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->inside) {
        t->inside = false;
        if (watch_wants(t->call.number))
            watch_note(s, &t->call, (uint64_t)info.exit.rval);
    }
    return STOP_NOTHING;
}

/* Of the report, the stacks: here they are always those of our own child. */
static void watch_drop_stacks(char *text)
{
    char *to = text;
    bool in_stack = false;
    for (size_t length; *text != '\0'; text += length) {
        length = strcspn(text, "\n");
        length += text[length] == '\n';
        bool title = memmem(text, length, " here, thread ", 14) != NULL;
        in_stack = title || (in_stack && strncmp(text, "    #", 5) == 0);
        if (!in_stack) {
            memmove(to, text, length);
            to += length;
        }
    }
    *to = '\0';
}

void watch_died(struct play_session *s, int signal)
{
    s->ended = true;
    s->signal = signal;
    watch_collect(s);
    if (s->text != NULL)
        watch_drop_stacks(s->text);
}

bool watch_is_fatal(int signal)
{
    return signal == SIGABRT || signal == SIGSEGV || signal == SIGBUS ||
           signal == SIGILL;
}

/* One stop of one thread: noted, and but for two cases ended. */
static void watch_stopped(struct play_session *s, pid_t thread, int signal)
{
    bool call = signal == (SIGTRAP | 0x80);
    enum stop stop = call ? watch_call(s, thread) : STOP_NOTHING;
    s->held = s->held || stop == STOP_HELD;
    if (stop == STOP_READY) {
        s->ready = true;
        if (s->hold != 0 && !s->held && !watch_is_busy(s, s->hold))
            s->hold = 0;
    }
    if (stop == STOP_NOTHING)
        ptrace(PTRACE_SYSCALL, thread, NULL,
               signal == SIGSTOP || (signal & 0x7f) == SIGTRAP ? 0L : (long)signal);
}

bool watch_run(struct play_session *s)
{
    s->ready = false;
    while (!s->ready || (s->awaited != 0 && watch_is_busy(s, s->awaited)) ||
           (s->hold != 0 && !s->held)) {
        int status;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0)
            return false;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (thread != s->pid)
                continue;
            watch_died(s, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
            s->pid = -1;
            return false;
        }
        if (watch_is_fatal(WSTOPSIG(status))) {
            watch_died(s, WSTOPSIG(status));
            return true;
        }
        watch_stopped(s, thread, WSTOPSIG(status));
    }
    return true;
}

void watch_let_go(struct play_session *s)
{
    int status;
    pid_t thread;
    for (size_t i = 0; i < s->tracees; i++)
        s->tracee[i].inside = false;
    while ((thread = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
        if (WIFSTOPPED(status) && !watch_is_fatal(WSTOPSIG(status))) {
            int signal = WSTOPSIG(status);
            bool own = signal == SIGSTOP || (signal & 0x7f) == SIGTRAP;
            ptrace(PTRACE_CONT, thread, NULL, own ? 0L : (long)signal);
        } else if (WIFSTOPPED(status)) {
            watch_died(s, WSTOPSIG(status));
            s->loose = false;
            return;
        } else if (thread == s->pid) {
            watch_died(s, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
            s->loose = false;
            s->pid = -1;
            return;
        }
    }
}
