/*
 * A private process with the real library in it, one operation at a time: what each
 * returned, the rules that the engine took, the memory calls it made, and the report if
 * it found misuse. Addresses are the same from run to run.
 */
#ifndef TOOL_PLAY_SESSION_H
#define TOOL_PLAY_SESSION_H

#include "play_script.h"

#include <sys/types.h>

enum play_mode { PLAY_COALESCE, PLAY_BINS, PLAY_CACHE, PLAY_MODES };

/* A system call that moves memory. */
struct play_call {
    uint64_t number; /* SYS_... */
    uint64_t argument[6];
    uint64_t result;
    int64_t moved; /* brk: by how much */
};

struct play_rule {
    uint32_t rule; /* enum trace_rule */
    uint64_t value;
};

struct play_session {
    pid_t pid;
    int commands, replies, report; /* pipes */
    int command_end; /* number of the other end of commands, in the process */
    bool traced;     /* system calls are seen */
    bool loose;      /* traced, but not stopped at calls: steps are skipped */
    bool ended;      /* by misuse, or for another reason */
    int signal;      /* that ended it */
    uint64_t root;   /* of the heap, for readers */
    uint64_t ring;   /* of rules */
    uint64_t busy;   /* of the first thread, and how far to the next */
    uint64_t stride;
    pid_t hold;        /* thread that is to stop when it moves the break; 0: none */
    bool held;         /* it has */
    pid_t awaited;     /* released in this step: its call ends before the step does */
    pid_t parked;      /* waits for its lock; stopped until that call has ended */
    bool ready;        /* the first thread waits for a command */
    bool released;     /* in this step, because another waited for its lock */
    unsigned acting;   /* index of the thread that performs the step */
    uint64_t early[2]; /* result and error of a call that was not held after all */
    uint32_t seen;     /* entries of the ring read so far */
    uint64_t brk;
    pid_t kernel[64];  /* threads' numbers in the kernel; 0: not there */
    char name[64][32]; /* their names in the script */

    /* Of the last step: */
    uint64_t result, error;
    struct play_call *call;
    size_t calls, call_room;
    struct play_rule *rule;
    size_t rules, rule_room;
    uint32_t rules_lost;        /* more than the ring holds */
    char *text;                 /* report, NULL without one */
    struct play_tracee *tracee; /* threads that are traced */
    size_t tracees, tracee_room;
};

const char *play_mode_name(enum play_mode mode);

/* Starts the process; on failure says why on stderr. `more` is appended to the mode's
 * options, or NULL. */
bool play_session_start(struct play_session *s, enum play_mode mode, const char *more);
/* Name of the thread with this number in the kernel. */
const char *play_session_thread_name(const struct play_session *s, uint32_t kernel);
/* Performs one operation about the block at `mem`. After a misuse the process stays
 * readable until play_session_stop, and s->ended is set. False if it is gone. */
bool play_session_step(struct play_session *s, const struct play_op *op, uint64_t mem);
/* The same, several times as fast: no calls are seen and no rules read. */
bool play_session_skip(struct play_session *s, const struct play_op *op, uint64_t mem);
void play_session_stop(struct play_session *s);

#endif
