/*
 * A running process as a source, in three files: from_pid.c opens and reads it,
 * pid_window.c has its window, pid_stop.c holds its threads.
 */
#ifndef TOOL_FROM_PID_H
#define TOOL_FROM_PID_H

#include "pages.h"
#include "source.h"

enum { PID_WINDOW = 1 << 20 };

struct pid_held {
    pid_t thread;
    int signal; /* that it was about to take; 0: none */
};

struct pid_state {
    int mem;                  /* /proc/PID/mem, or -1 while process_vm_readv works */
    struct pages resident;    /* for questions */
    struct pages window;      /* of what the window is about to read */
    struct pid_held *stopped; /* threads that are ours to let go */
    size_t stopped_count;
};

/* The reader's window of a process. */
bool pid_fill(struct reader *r, uint64_t address, size_t size);

/* Stops all threads without a signal that the program could notice. */
enum status pid_stop(struct source *s);
/* Lets them go on, each with the signal that it was about to take. */
void pid_release(struct pid_state *state);
/* Whether all threads are stopped, by a signal or by who traces them (else 0). */
bool pid_stands_still(pid_t pid, pid_t *tracer);
/* A thread that has not ended: the first one, unless others outlived it. */
pid_t pid_alive(pid_t pid);

#endif
