/*
 * Runs this program again, and waits for children. No state.
 */
#include "support/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_WATCHDOG_SECONDS = 240 };

/* This program, by the emulator that runs it, if any. */
static _Noreturn void child_exec_again(const char *arg)
{
    enum { WORDS = 8 };
    static char words[1024], program[1024];
    char *argv[WORDS + 3] = {"again", (char *)arg}, *left = NULL;
    const char *emulator = getenv("TEST_EMULATOR");
    size_t count = 0;
    if (!emulator || readlink("/proc/self/exe", program, sizeof program - 1) <= 0) {
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    snprintf(words, sizeof words, "%s", emulator);
    for (char *s = strtok_r(words, " ", &left); s && count < WORDS;
         s = strtok_r(NULL, " ", &left))
        argv[count++] = s;
    argv[count++] = program;
    argv[count] = (char *)arg;
    execvp(argv[0], argv);
    _exit(127);
}

static void child_exec(int error_to, const char *arg, const char *name,
                       const char *value)
{
    dup2(error_to, STDERR_FILENO);
    close(error_to);
    if (name)
        setenv(name, value, 1);
    alarm(CHILD_WATCHDOG_SECONDS);
    child_exec_again(arg);
}

bool child_again(struct outcome *out, const char *arg, const char *name,
                 const char *value)
{
    int pipe_ends[2];
    out->length = 0;
    out->text[0] = 0;
    if (pipe(pipe_ends))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_ends[0]);
        child_exec(pipe_ends[1], arg, name, value);
    }
    close(pipe_ends[1]);
    char spill[512];
    for (;;) {
        size_t room = sizeof out->text - 1 - out->length;
        char *to = room ? out->text + out->length : spill;
        ssize_t n = read(pipe_ends[0], to, room ? room : sizeof spill);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (room)
            out->length += (size_t)n;
    }
    close(pipe_ends[0]);
    out->text[out->length] = 0;
    return pid > 0 && waitpid(pid, &out->status, 0) == pid;
}

bool child_is_fine(const struct outcome *out)
{
    return WIFEXITED(out->status) && WEXITSTATUS(out->status) == 0;
}

size_t child_lines(const struct outcome *out)
{
    size_t lines = 0;
    for (size_t i = 0; i < out->length; i++)
        lines += out->text[i] == '\n';
    return lines + (out->length > 0 && out->text[out->length - 1] != '\n');
}

bool child_reaped(pid_t pid, const char *what)
{
    int status = 0;
    if (pid < 0) {
        fprintf(stderr, "%s: no child: %s\n", what, strerror(errno));
        return false;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: child %s\n", what,
                WTERMSIG(status) == SIGALRM ? "hung" : strsignal(WTERMSIG(status)));
    else
        fprintf(stderr, "%s: child exited with %d\n", what, WEXITSTATUS(status));
    return false;
}
