/*
 * What four bytes of an input do to the heap: what, which slot, how many bytes (two).
 */
#ifndef TEST_FUZZ_FUZZ_STEP_H
#define TEST_FUZZ_FUZZ_STEP_H

#include "fuzz/fuzz_slot.h"

/* Flags of an input. */
enum {
    PLAY_NAMED = 1, /* named heaps take part */
    PLAY_TURNS = 2, /* threads play in the order of the steps, one at a time */
    PLAY_TUNED = 4, /* mallopt is called */
    PLAY_FIXED = 8, /* and with what fixes the thresholds of the whole process */
    PLAY_CHILD =
        256 /* not of the input: in the child of a fork, where stdio may hang */
};

/* Steps that concern threads and processes, and not only a slot: what % 8 of all, and
 * the lower byte of the size, % 64, of those that look. */
enum { STEP = 4, STEP_LOOK = 7, LOOK_FORK = 4, LOOK_VISIT = 5 };

void step_play(struct worker *w, const uint8_t *at, unsigned flags);
/* The worker's named heap, with its blocks, which are whole until then. */
void step_destroy_own(struct worker *w);
/* Back to the usual parameters. */
void step_untune(unsigned flags);

#endif
