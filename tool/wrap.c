/* Breaking lines; see wrap.h. State: the line that is not complete. */
#include "wrap.h"

#include "source.h"

#include <stdlib.h>

enum { WRAP_INDENT = 4, WRAP_LEAST = 40 };

struct wrap {
    FILE *to;
    unsigned columns;
    char *line;
    size_t length, room;
};

static bool wrap_put(const struct wrap *w, const char *text, size_t size)
{
    return fwrite(text, 1, size, w->to) == size;
}

/* Bytes of what stands at `at`, and the columns that it takes. */
static size_t wrap_glyph(const char *at, const char *end, unsigned *columns)
{
    const char *p = at + 1;
    *columns = 1;
    if (*at == '\033') {
        while (p < end && *p != 'm')
            p++;
        *columns = 0;
        return (size_t)(p < end ? p + 1 - at : p - at);
    }
    while (p < end && ((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return (size_t)(p - at);
}

static bool wrap_is_bar(const char *at, size_t size)
{
    return *at == '|' || (size == 3 && memcmp(at, "\xe2\x94\x82", 3) == 0);
}

bool wrap_is_gap(const char *at, const char *text)
{
    bool unit = (at[1] >= 'A' && at[1] <= 'Z') || at[1] == '%';
    return at > text && !(at[-1] >= '0' && at[-1] <= '9' && unit);
}

/* How much of [at, end) goes into a line of which `used` columns are taken; all of it, or
 * up to the last gap between words that fits, if there is one. */
static size_t wrap_fit(const struct wrap *w, const char *at, const char *end,
                       unsigned used)
{
    const char *p = at, *gap = NULL;
    bool in_bar = false, in_word = false;
    unsigned columns;
    while (p < end) {
        size_t size = wrap_glyph(p, end, &columns);
        if (*p == ' ' && in_word && !in_bar && used <= w->columns && p + 1 < end &&
            wrap_is_gap(p, at))
            gap = p;
        used += columns;
        if (wrap_is_bar(p, size))
            in_bar = !in_bar;
        in_word = *p != ' ' && (in_word || columns != 0);
        p += size;
    }
    return used <= w->columns || gap == NULL ? (size_t)(end - at) : (size_t)(gap - at);
}

static bool wrap_line(struct wrap *w, const char *at, const char *end)
{
    size_t indent = 0;
    while (at + indent < end && at[indent] == ' ')
        indent++;
    indent = indent + WRAP_INDENT < w->columns / 2 ? indent + WRAP_INDENT : WRAP_INDENT;
    unsigned used = 0;
    for (;;) {
        size_t fit = wrap_fit(w, at, end, used);
        if (!wrap_put(w, at, fit))
            return false;
        at += fit;
        while (fit != 0 && at < end && *at == ' ')
            at++;
        if (at == end)
            return wrap_put(w, "\n", 1);
        char blanks[WRAP_LEAST * 2 + 1];
        snprintf(blanks, sizeof blanks, "\n%*s", (int)(indent < 80 ? indent : 80), "");
        if (!wrap_put(w, blanks, strlen(blanks)))
            return false;
        used = (unsigned)indent;
    }
}

static ssize_t wrap_write(void *cookie, const char *text, size_t size)
{
    struct wrap *w = cookie;
    if (w->length + size > w->room) {
        w->room = 2 * (w->length + size);
        w->line = must(realloc(w->line, w->room));
    }
    memcpy(w->line + w->length, text, size);
    w->length += size;
    char *at = w->line, *end = w->line + w->length, *stop;
    while (at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (!wrap_line(w, at, stop))
            return 0;
        at = stop + 1;
    }
    w->length = (size_t)(end - at);
    memmove(w->line, at, w->length);
    return fflush(w->to) == 0 ? (ssize_t)size : 0;
}

static int wrap_close(void *cookie)
{
    struct wrap *w = cookie;
    bool good = wrap_put(w, w->line, w->length) && fflush(w->to) == 0;
    if (w->to != stdout)
        good = fclose(w->to) == 0 && good;
    free(w->line);
    free(w);
    return good ? 0 : EOF;
}

FILE *wrap_open(FILE *to, unsigned columns)
{
    static const cookie_io_functions_t calls = {.write = wrap_write,
                                                .close = wrap_close};
    if (columns < WRAP_LEAST || fflush(to) != 0)
        return to;
    struct wrap *w = take(sizeof *w);
    *w = (struct wrap){.to = to, .columns = columns};
    FILE *f = fopencookie(w, "w", calls);
    if (f == NULL)
        free(w);
    return f == NULL ? to : f;
}
