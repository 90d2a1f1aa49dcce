/* Drawing; see draw.h. State: in the struct draw. */
#include "draw.h"

#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    WIDE_COLUMNS = 142,
    NARROW_COLUMNS = 80,
    COLUMNS_MIN = 40, /* in less nothing can be drawn */
    COLUMNS_MAX = 4096,
    PACE_MS = 20
};

static const char *const draw_codes[TINTS] = {
    [TINT_LIVE] = "38;5;33",
    [TINT_LIVE2] = "38;5;75",
    [TINT_SLACK] = "38;5;24",
    [TINT_CACHED] = "38;5;214",
    [TINT_FREE] = "38;5;245",
    [TINT_TOP] = "38;5;240",
    [TINT_HEADER] = "38;5;252",
    [TINT_BAD] = "1;38;5;208;7",
    [TINT_DIM] = "2",
    [TINT_HUE] = "38;5;25",
    [TINT_HUE + 1] = "38;5;33",
    [TINT_HUE + 2] = "38;5;117",
    [TINT_HUE + 3] = "38;5;229",
    [TINT_HUE + 4] = "38;5;214",
    [TINT_HUE + 5] = "38;5;166",
};

static bool draw_is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* --color, then NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE, then the terminal. */
static bool draw_wants_color(const struct draw *d, const struct options *o)
{
    const char *term = getenv("TERM");
    if (o->color != COLOR_AUTO)
        return o->color == COLOR_ALWAYS;
    if (draw_is_set("NO_COLOR"))
        return false;
    if (draw_is_set("FORCE_COLOR") || draw_is_set("CLICOLOR_FORCE"))
        return true;
    return d->is_terminal && term != NULL && strcmp(term, "dumb") != 0;
}

/* Shades are of ambiguous width: two columns in East Asian terminals. */
static bool draw_wants_unicode(const struct draw *d, const struct options *o)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    if (o->ascii || !d->is_terminal || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] == '\0')
            continue;
        return strncmp(value, "ja", 2) != 0 && strncmp(value, "zh", 2) != 0 &&
               strncmp(value, "ko", 2) != 0;
    }
    return true;
}

static unsigned draw_columns(const struct draw *d, const struct options *o)
{
    struct winsize w;
    const char *columns = getenv("COLUMNS");
    if (o->width != 0)
        return o->width;
    if (!d->is_terminal)
        return 80;
    if (columns != NULL) {
        unsigned long n = strtoul(columns, NULL, 10);
        if (n != 0)
            return n < COLUMNS_MAX ? (unsigned)n : COLUMNS_MAX;
    }
    if (ioctl(fileno(d->out), TIOCGWINSZ, &w) == 0 && w.ws_col != 0)
        return w.ws_col;
    return 80;
}

void draw_open(struct draw *d, FILE *out, const struct options *o)
{
    *d = (struct draw){.out = out};
    setlocale(LC_CTYPE, "");
    d->is_terminal = isatty(fileno(out)) != 0;
    d->color = draw_wants_color(d, o);
    d->unicode = draw_wants_unicode(d, o);
    unsigned columns = draw_columns(d, o);
    d->width = columns < COLUMNS_MIN ? COLUMNS_MIN : columns;
    d->limit = d->is_terminal || o->width != 0 ? d->width : 0;
    d->cells = d->width >= WIDE_COLUMNS                      ? 128
               : d->limit == 0 || d->limit >= NARROW_COLUMNS ? 64
               : d->limit >= NARROW_COLUMNS - 32             ? 32
                                                             : 16;
}

bool draw_close(struct draw *d)
{
    draw_rows_end(d);
    draw_tint(d, TINT_NONE);
    return fflush(d->out) == 0 && ferror(d->out) == 0;
}

void draw_tint(struct draw *d, enum tint t)
{
    if (!d->color || t == d->tint)
        return;
    if (d->is_page)
        fprintf(d->out, "\033[%dm", (int)t);
    else if (t == TINT_NONE)
        fputs("\033[0m", d->out);
    else
        fprintf(d->out, "\033[0;%sm", draw_codes[t]);
    d->tint = t;
}

void draw_text(struct draw *d, enum tint t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    draw_tint(d, t);
    vfprintf(d->out, format, arguments);
    draw_tint(d, TINT_NONE);
    va_end(arguments);
}

void draw_bar(struct draw *d, enum tint t, uint64_t before, uint64_t part,
              uint64_t whole, unsigned cells)
{
    double scale = whole == 0 ? 0 : (double)cells / (double)whole;
    unsigned from = (unsigned)((double)before * scale);
    unsigned to = (unsigned)((double)(before + part) * scale + 0.5);
    from = from >= cells ? cells - 1 : from;
    to = to > cells ? cells : to;
    if (part == 0 || to <= from)
        to = part == 0 ? from : from + 1;
    fputc('|', d->out);
    draw_tint(d, t);
    for (unsigned i = 0; i < cells; i++)
        fputc(i >= from && i < to ? '#' : ' ', d->out);
    draw_tint(d, TINT_NONE);
    fputc('|', d->out);
}

enum tint draw_tint_of(enum kind k, bool odd)
{
    switch (k) {
    case KIND_LIVE:
    case KIND_MAPPED:
    case KIND_GUARDED:
        return odd ? TINT_LIVE2 : TINT_LIVE;
    case KIND_CACHED:
    case KIND_DEPOT:
    case KIND_REMOTE:
    case KIND_RESTING:
    case KIND_MOVING:
    case KIND_FAST:
        return TINT_CACHED;
    case KIND_TOP:
        return TINT_TOP;
    case KIND_FENCE:
        return TINT_HEADER;
    case KIND_BROKEN:
        return TINT_BAD;
    default:
        return TINT_FREE;
    }
}

/* --- rows of cells ---------------------------------------------------------- */

char draw_ascii(const struct cell *c)
{
    static const char ascii[] = " .:+#@";
    return c->shade == 0 ? c->glyph : ascii[c->shade];
}

void draw_cell_alone(struct draw *d, const struct cell *c)
{
    static const char *const shade[] = {
        " ", ".", "\xe2\x96\x91", "\xe2\x96\x92", "\xe2\x96\x93", "\xe2\x96\x88"};
    draw_tint(d, (enum tint)c->tint);
    if (c->shade == 0)
        fputc(c->glyph, d->out);
    else if (d->unicode)
        fputs(shade[c->shade], d->out);
    else
        fputc(draw_ascii(c), d->out);
}

static bool draw_is_plain(const struct cell *cell, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (cell[i].shade != 0 || cell[i].glyph != cell[0].glyph)
            return false;
    return true;
}

void draw_rows_end(struct draw *d)
{
    if (d->row_count != 0)
        fprintf(d->out, "            * %llu row%s of '%c'\n",
                (unsigned long long)d->row_count, d->row_count == 1 ? "" : "s",
                d->row_glyph);
    d->row_count = 0;
}

/* What is known is shown at once, but not row by row to a fast reader. */
static void draw_pace(struct draw *d)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    if (now - d->flushed < PACE_MS)
        return;
    d->flushed = now;
    fflush(d->out);
}

/* The first of equal rows is drawn, the others are counted. */
void draw_row(struct draw *d, uint64_t offset, const struct cell *cell, unsigned count,
              const char *note)
{
    if (d->form != FORM_TEXT) {
        draw_row_form(d, offset, cell, count, note);
        return;
    }
    bool plain = count == d->cells && note == NULL && draw_is_plain(cell, count);
    if (plain && d->row_glyph == cell[0].glyph) {
        d->row_count++;
        return;
    }
    draw_rows_end(d);
    d->row_glyph = plain ? cell[0].glyph : '\0';
    fprintf(d->out, "  +%07llx |", (unsigned long long)offset);
    for (unsigned i = 0; i < count; i++)
        draw_cell_alone(d, &cell[i]);
    draw_tint(d, TINT_NONE);
    fprintf(d->out, "|%s%s\n", note == NULL || strlen(note) <= NOTE_TIGHT ? "" : "  ",
            note == NULL ? "" : note);
    draw_pace(d);
}
