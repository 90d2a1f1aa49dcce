/* The same script in two modes, step beside step. */
#ifndef TOOL_PLAY_COMPARE_H
#define TOOL_PLAY_COMPARE_H

#include "play_text.h"

/* Runs the script without drawing, up to number `to` (0: to its end): how far its heaps
 * will reach. */
bool compare_measure(struct play_run *r, const struct play_script *s,
                     enum play_mode mode, unsigned to);
/* Draws two modes, one beside the other where there is room: the steps from number `from`
 * to number `to` (0: all). Returns the exit status. */
int compare_runs(const struct text_style *asked, const struct play_script *s,
                 const enum play_mode *mode, unsigned from, unsigned to);

#endif
