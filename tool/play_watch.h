/*
 * Watching the private process with ptrace: its memory calls are noted, it rests before it
 * reads the next command, and a thread can be held where it moves the break.
 */
#ifndef TOOL_PLAY_WATCH_H
#define TOOL_PLAY_WATCH_H

#include "play_session.h"

/* glibc's header of the same name clashes with the kernel's. */
long ptrace(int request, ...);

/* Lets the process run until it waits for a command, or is about to end; and until the
 * thread that is to be held stops, or is done. */
bool watch_run(struct play_session *s);
/* Lets threads that have stopped go on, unseen until they are stopped by a signal. */
void watch_let_go(struct play_session *s);
/* All of `size` bytes of its memory, or false. */
bool watch_get(const struct play_session *s, uint64_t address, void *out, size_t size);
/* Adds what it wrote to stderr to the report. */
void watch_collect(struct play_session *s);
/* Notes that it ended by this signal; 0: it left. */
void watch_died(struct play_session *s, int signal);
/* Signals that end a program which misuses its memory. */
bool watch_is_fatal(int signal);

#endif
