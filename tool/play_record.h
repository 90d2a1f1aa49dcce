/* `play --record`: a program runs with libchunky-record.so, and what it asked its
 * allocator for becomes a trace that play steps through. */
#ifndef TOOL_PLAY_RECORD_H
#define TOOL_PLAY_RECORD_H

#include <stdint.h>

struct record_options {
    const char *file;    /* of the trace; NULL: NAME.trace */
    const char *program; /* NULL: the first process, else the first of this name */
    uint64_t limit;      /* operations */
    char **command;
};

enum { RECORD_LIMIT = 100000 };

/* Runs the command to its end; its exit status, or 3 if there is no trace. */
int record_run(const struct record_options *o);

#endif
