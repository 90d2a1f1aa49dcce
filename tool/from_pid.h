/*
 * A running process as a source, in three files: from_pid.c opens and reads it,
 * pid_window.c reads ahead of a walk, pid_stop.c holds its threads.
 */
#ifndef TOOL_FROM_PID_H
#define TOOL_FROM_PID_H

#include "pages.h"
#include "source.h"

#include <pthread.h>

enum { PID_WINDOW = 1 << 20 };

/* A window's worth of the process, or less. */
struct piece {
    uintptr_t bytes; /* buffer */
    uint64_t start;
    uint64_t length; /* that was read; 0: none */
    uint64_t epoch;  /* of the reader, when it was asked for */
};

/* A thread reads the next piece while the walk is in this one. */
struct ahead {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    bool exists, busy, quits;
    struct piece piece;
};

struct pid_state {
    struct source *source;
    struct ahead ahead;
    int mem;               /* /proc/PID/mem, or -1 while process_vm_readv works */
    struct pages resident; /* for questions */
    struct pages window;   /* of what the window is about to read */
    pid_t *stopped;        /* threads that are ours to let go */
    size_t stopped_count;
};

/* The reader's window of a process. */
bool pid_fill(struct reader *r, uint64_t address, size_t size);
/* Ends the thread that reads ahead, if there is one. */
void ahead_end(struct ahead *a);

/* Stops all threads without a signal that the program could notice. */
enum status pid_stop(struct source *s);
/* Lets them go on. */
void pid_release(struct pid_state *state);

#endif
