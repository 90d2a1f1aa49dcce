/* A line from a terminal by an editor, else as it comes; see play_line.h. No state. */
#include "play_line.h"

#include "play_edit.h"
#include "play_list.h"

#include <string.h>
#include <unistd.h>

static char *line_plain(void)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length = getline(&text, &room, stdin);
    if (length < 0) {
        free(text);
        return NULL;
    }
    text[strcspn(text, "\n")] = '\0';
    return text;
}

char *line_read(const char *prompt, const struct line_history *history)
{
    return isatty(0) && isatty(1) ? edit_line(prompt, history) : line_plain();
}

void line_remember(struct line_history *history, const char *line)
{
    edit_remember(line);
    history->line = list_room(history->line, &history->room, history->count, 1,
                              sizeof *history->line);
    history->line[history->count++] = strdup(line);
}

void line_forget(struct line_history *history)
{
    while (history->count > 0)
        free(history->line[--history->count]);
    free(history->line);
    history->line = NULL;
    history->room = 0;
}
