/*
 * The process that play looks at: the real library, and one operation for each command
 * that comes through a pipe. It knows no variables and draws nothing.
 */
#ifndef TOOL_PLAY_CHILD_H
#define TOOL_PLAY_CHILD_H

#include "play_script.h"

#include <stdint.h>

/* Beside enum play_verb. */
enum {
    CHILD_START =
        100, /* makes thread `thread`; its number in the kernel is the result */
    CHILD_JOIN = 101,  /* waits for what CHILD_ASYNC began; its result */
    CHILD_BREAK = 102, /* where the break is */
    CHILD_ASYNC = 256  /* added to a verb: returns before it is done */
};

struct child_command {
    uint32_t verb; /* enum play_verb or CHILD_START */
    uint32_t thread;
    uint64_t mem;  /* the block that the call is about */
    uint64_t a, b; /* numbers of the call */
};

struct child_reply {
    uint64_t result; /* what the call returned */
    uint64_t error;  /* errno after a failure */
};

/* Sent once, before the first command is read. */
struct child_hello {
    uint64_t trace;  /* address of the ring of rules */
    uint64_t busy;   /* address of the first thread's word: it has work to do */
    uint64_t stride; /* from one thread's to the next's */
    uint64_t root;   /* address of the heap's description, 0: not exported */
};

enum { CHILD_THREADS = PLAY_THREADS };

/* LIBRARY COMMAND-FD REPLY-FD. Returns an exit status. */
int play_child(char **arguments);

#endif
