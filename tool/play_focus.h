/*
 * What of a region is drawn byte by byte. A small one, all of it. Of a large one what a
 * person can read: its beginning, what the step is about, and the top; the rest is folded
 * to one line that says what it holds.
 */
#ifndef TOOL_PLAY_FOCUS_H
#define TOOL_PLAY_FOCUS_H

#include "play_run.h"

enum { FOCUS_RANGES = 12 };

struct focus_range {
    uint64_t from, to; /* offsets in the region */
};

struct focus {
    struct focus_range range[FOCUS_RANGES]; /* in order, apart from each other */
    unsigned ranges;
};

/* Ranges of whole rows of `row` bytes. With `all`, nothing is folded but the top. */
void focus_of(struct focus *f, const struct play_run *r,
              const struct heap_region *region, uint64_t row, bool all);

#endif
