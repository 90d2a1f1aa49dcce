/* One step at a time, at the reader's pace, forwards and back. */
#ifndef TOOL_PLAY_STEPPER_H
#define TOOL_PLAY_STEPPER_H

#include "play_text.h"

/* Draws step `from` (or the first) and waits for a line: empty for the next one, a number
 * for that one, b for the one before, q for the end. Returns an exit status. */
int stepper_run(const struct text_style *style, const struct play_script *s,
                enum play_mode mode, unsigned from);

#endif
