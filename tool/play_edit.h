/* Editing a line on a terminal: libedit, where it was there when this was built, else a
 * small editor with the keys that one expects. */
#ifndef TOOL_PLAY_EDIT_H
#define TOOL_PLAY_EDIT_H

#include "play_line.h"

/* The line without its end, to be freed; NULL at the end of input. */
char *edit_line(const char *prompt, const struct line_history *history);
void edit_remember(const char *line);

#endif
