/* Lines typed one by one, each run as soon as it is understood; undo, history, help. */
#ifndef TOOL_PLAY_PROMPT_H
#define TOOL_PLAY_PROMPT_H

#include "play_text.h"

/* Until the end of input or `quit`. Returns the exit status. */
int prompt_run(struct text_style *style, enum play_mode mode);

#endif
