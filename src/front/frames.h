/*
 * Stacks of calls, as wanted often (level 3) or once, for a report (at every level). No
 * allocation once frames_start has run.
 */
#ifndef CHUNKY_FRONT_FRAMES_H
#define CHUNKY_FRONT_FRAMES_H

#include <stdint.h>

enum { FRAMES_MAX = 14 };

struct frames {
    uint32_t count;
    uint32_t thread;          /* kernel's number; 0: nothing recorded */
    uintptr_t pc[FRAMES_MAX]; /* return addresses, innermost first */
};

/* Chooses how stacks are walked from now on, and loads what that needs; may allocate. For
 * the start of level 3. */
void frames_start(void);

/* In the child of a fork, before it has other threads: those that were inside the unwinder
 * are gone. The caller itself may be, in a signal handler. */
void frames_forked(void);

/* Learns which code is Chunky's own, to leave it out; one caller at a time. */
void frames_find_own(void);

/* In a signal handler: drops what lies above the interrupted instruction, which becomes
 * like the others: the address behind it. If it is Chunky's own, drops that too. */
void frames_start_at(struct frames *f, uintptr_t pc);

/* The calling thread's stack without Chunky's own frames. Without the unwinder, what frame
 * pointers tell, read safely. */
void frames_take(struct frames *f);
/* The same with the report's lock held: slow, and by the tables of the program at least. */
void frames_take_for_report(struct frames *f);

#endif
