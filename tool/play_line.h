/* One line from a terminal, with the keys that one expects; or from any other input. */
#ifndef TOOL_PLAY_LINE_H
#define TOOL_PLAY_LINE_H

#include <stddef.h>

struct line_history {
    char **line; /* oldest first */
    size_t count, room;
};

/* The next line without its end, to be freed; NULL at the end of input. */
char *line_read(const char *prompt, const struct line_history *history);
void line_remember(struct line_history *history, const char *line);
void line_forget(struct line_history *history);

#endif
