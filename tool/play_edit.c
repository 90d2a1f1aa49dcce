/* See play_edit.h. State: the terminal's mode, while it reads. */
#include "play_edit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#ifdef HAVE_LIBEDIT

#include <editline/readline.h>

char *edit_line(const char *prompt, const struct line_history *history)
{
    (void)history;
    fflush(stdout);
    char *line = readline(prompt);
    if (line == NULL)
        puts("");
    return line;
}

void edit_remember(const char *line)
{
    add_history(line);
}

#else

enum { LINE_MAX_LENGTH = 4000, KEY_ESCAPE = 27, KEY_BACKSPACE = 127 };

struct edit {
    const char *prompt;
    const struct line_history *history;
    size_t turn; /* line of the history that is shown; count: the new one */
    size_t length, at;
    char text[LINE_MAX_LENGTH + 1];
};

static void edit_show(const struct edit *e)
{
    printf("\r%s%s\033[K", e->prompt, e->text);
    if (e->at < e->length)
        printf("\033[%zuD", e->length - e->at);
    fflush(stdout);
}

static void edit_set(struct edit *e, const char *text)
{
    snprintf(e->text, sizeof e->text, "%s", text);
    e->at = e->length = strlen(e->text);
}

static void edit_insert(struct edit *e, char c)
{
    if (e->length == LINE_MAX_LENGTH)
        return;
    memmove(e->text + e->at + 1, e->text + e->at, e->length - e->at + 1);
    e->text[e->at++] = c;
    e->length++;
}

static void edit_delete(struct edit *e)
{
    if (e->at == e->length)
        return;
    memmove(e->text + e->at, e->text + e->at + 1, e->length - e->at);
    e->length--;
}

static void edit_turn(struct edit *e, int by)
{
    if ((by < 0 && e->turn == 0) || (by > 0 && e->turn >= e->history->count))
        return;
    e->turn = by < 0 ? e->turn - 1 : e->turn + 1;
    edit_set(e, e->turn == e->history->count ? "" : e->history->line[e->turn]);
}

/* Arrows, home, end and delete: what follows an escape. */
static void edit_escape(struct edit *e)
{
    char key[3] = "";
    if (read(0, key, 1) != 1 || (key[0] != '[' && key[0] != 'O') ||
        read(0, key + 1, 1) != 1)
        return;
    if (key[1] >= '0' && key[1] <= '9' && read(0, key + 2, 1) != 1)
        return;
    switch (key[1]) {
    case 'A':
        edit_turn(e, -1);
        break;
    case 'B':
        edit_turn(e, 1);
        break;
    case 'C':
        e->at += e->at < e->length;
        break;
    case 'D':
        e->at -= e->at > 0;
        break;
    case 'H':
    case '1':
        e->at = 0;
        break;
    case 'F':
    case '4':
        e->at = e->length;
        break;
    case '3':
        edit_delete(e);
        break;
    default:
        break;
    }
}

/* False when the line is done; *end when the input is. */
static bool edit_key(struct edit *e, char c, bool *end)
{
    switch (c) {
    case '\r':
    case '\n':
        return false;
    case 'D' - '@':
        *end = e->length == 0;
        edit_delete(e);
        return !*end;
    case 'A' - '@':
        e->at = 0;
        break;
    case 'E' - '@':
        e->at = e->length;
        break;
    case 'U' - '@':
        edit_set(e, "");
        break;
    case 'P' - '@':
        edit_turn(e, -1);
        break;
    case 'N' - '@':
        edit_turn(e, 1);
        break;
    case KEY_ESCAPE:
        edit_escape(e);
        break;
    case '\b':
    case KEY_BACKSPACE:
        if (e->at > 0) {
            e->at--;
            edit_delete(e);
        }
        break;
    default:
        if ((unsigned char)c >= ' ')
            edit_insert(e, c);
    }
    return true;
}

char *edit_line(const char *prompt, const struct line_history *history)
{
    struct termios before, raw;
    struct edit e = {.prompt = prompt, .history = history, .turn = history->count};
    bool end = false;
    char c;
    if (tcgetattr(0, &before) != 0)
        return NULL;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(0, TCSADRAIN, &raw);
    do
        edit_show(&e);
    while (read(0, &c, 1) == 1 ? edit_key(&e, c, &end) : !(end = true));
    tcsetattr(0, TCSADRAIN, &before);
    puts("");
    return end ? NULL : strdup(e.text);
}

void edit_remember(const char *line)
{
    (void)line;
}

#endif
