/*
 * Runs this program again with other arguments or another environment, and keeps what
 * it said; waits for children with a watchdog. Nothing here allocates.
 */
#ifndef TEST_SUPPORT_CHILD_H
#define TEST_SUPPORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct outcome {
    int status;         /* as waitpid gives it */
    size_t length;      /* of text, cut at the end of the buffer */
    char text[1 << 16]; /* standard error, or output and error */
};

/* Runs `/proc/self/exe arg` (by TEST_EMULATOR, if that is set) with NAME=value set (name
 * NULL: the environment as it is) and standard error kept. False if it could not be run. */
bool child_again(struct outcome *out, const char *arg, const char *name,
                 const char *value);
/* True if it exited with status 0. */
bool child_is_fine(const struct outcome *out);
/* Lines in the kept text. */
size_t child_lines(const struct outcome *out);

/* Waits for `pid`; says on stderr, and returns false, if it did not exit with 0. A child
 * is expected to have called alarm(), so that a hang ends as SIGALRM. */
bool child_reaped(pid_t pid, const char *what);

#endif
