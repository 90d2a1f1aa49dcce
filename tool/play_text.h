/* A run as text: one block a step, then the sums. */
#ifndef TOOL_PLAY_TEXT_H
#define TOOL_PLAY_TEXT_H

#include "play_draw.h"

struct text_style {
    bool wraps; /* for a terminal: no line is wider */
    struct draw_style draw;
    bool bytes;    /* grid of bytes and the words of each chunk */
    bool art;      /* the numbered page */
    bool quiet;    /* strips only */
    bool rules;    /* the trace's own words */
    bool relative; /* no number that differs between machines or builds */
    bool verify; /* audit the heap at each step, and compare sums with what is drawn */
};

/* The last step of the run. */
void play_text_step(const struct text_style *t, const struct play_run *r);
/* Sums and legend. */
void play_text_end(const struct text_style *t, const struct play_run *r);
/* Columns that the operations of a script need before a strip. */
unsigned play_text_label(const struct play_script *s, size_t from);

#endif
