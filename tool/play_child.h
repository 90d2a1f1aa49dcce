/*
 * The process that play looks at: the real library, and one operation for each command
 * that comes through a pipe. It knows no variables and draws nothing.
 */
#ifndef TOOL_PLAY_CHILD_H
#define TOOL_PLAY_CHILD_H

#include <stdint.h>

enum { CHILD_START = 100 }; /* beside enum play_verb: makes thread `thread` */

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
    uint64_t trace; /* address of the ring of rules */
    uint64_t root;  /* address of the heap's description, 0: not exported */
};

enum { CHILD_THREADS = 64 };

/* LIBRARY COMMAND-FD REPLY-FD. Returns an exit status. */
int play_child(char **arguments);

#endif
