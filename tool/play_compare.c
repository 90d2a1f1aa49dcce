/* Two modes side by side, and how far heaps reach; see play_compare.h. No state. */
#include "play_compare.h"

#include <stdlib.h>

enum { SIDE_BY_SIDE = 142 };

bool compare_measure(struct play_run *r, const struct play_script *s,
                     enum play_mode mode, unsigned to)
{
    if (!play_run_start(r, s, mode))
        return false;
    play_run_skip(r, to == 0 ? UINT32_MAX : to + 1);
    play_run_stop(r);
    return true;
}

/* Operations that are drawn: by index, `last` behind them. */
struct compare_span {
    unsigned from; /* as numbers are */
    size_t first, last;
};

/* The text of each step of a run, in blocks; the last one is the end. */
static char **compare_blocks(struct text_style style, const struct play_script *s,
                             enum play_mode mode, const struct play_run *measured,
                             const struct compare_span *span)
{
    struct play_run run;
    size_t length = 0, count = span->last - span->first;
    char **block = calloc(count + 2, sizeof *block);
    if (block == NULL || !play_run_start(&run, s, mode))
        return NULL;
    play_run_expect(&run, &measured[0]);
    play_run_expect(&run, &measured[1]);
    play_run_skip(&run, span->from);
    for (size_t i = 0; i <= count; i++) {
        style.draw.out = open_memstream(&block[i], &length);
        if (style.draw.out == NULL)
            return NULL;
        if (i < count && play_run_step(&run))
            play_text_step(&style, &run);
        else if (i == count)
            play_text_end(&style, &run);
        fclose(style.draw.out);
    }
    play_run_stop(&run);
    return block;
}

/* Columns of a line of UTF-8, colours left out. */
static size_t compare_columns(const char *line, size_t length)
{
    size_t columns = 0;
    bool code = false;
    for (size_t i = 0; i < length; i++) {
        code = code || line[i] == '\033';
        columns += !code && ((unsigned char)line[i] & 0xc0) != 0x80;
        code = code && line[i] != 'm';
    }
    return columns;
}

static void compare_beside(FILE *out, const char *left, const char *right,
                           unsigned half)
{
    while (*left != '\0' || *right != '\0') {
        size_t l = strcspn(left, "\n"), r = strcspn(right, "\n");
        size_t columns = compare_columns(left, l);
        fprintf(out, "%.*s%*s %.*s\n", (int)l, left,
                columns < half ? (int)(half - columns) : 1, "", (int)r, right);
        left += l + (left[l] == '\n');
        right += r + (right[r] == '\n');
    }
}

static struct compare_span compare_span_of(const struct play_script *s, unsigned from,
                                           unsigned to)
{
    struct compare_span span = {from, 0, s->count};
    while (span.first < s->count && s->op[span.first].number < from)
        span.first++;
    for (size_t i = span.first; to != 0 && i < span.last; i++)
        if (s->op[i].number >= to)
            span.last = i + 1;
    return span;
}

int compare_runs(const struct text_style *asked, const struct play_script *s,
                 const enum play_mode *mode, unsigned from, unsigned to)
{
    struct play_run measured[2];
    char **block[2];
    FILE *out = asked->draw.out;
    bool wide = asked->draw.width >= SIDE_BY_SIDE;
    struct compare_span span = compare_span_of(s, from, to);
    struct text_style style = *asked;
    if (wide)
        style.draw.width = style.draw.width / 2 - 1;
    for (unsigned i = 0; i < 2; i++)
        if (!compare_measure(&measured[i], s, mode[i], to))
            return 3;
    for (unsigned i = 0; i < 2; i++)
        if ((block[i] = compare_blocks(style, s, mode[i], measured, &span)) == NULL)
            return 3;
    const char *name[2] = {play_mode_name(mode[0]), play_mode_name(mode[1])};
    if (wide)
        compare_beside(out, name[0], name[1], style.draw.width);
    for (size_t i = 0; i <= span.last - span.first; i++) {
        bool end = span.first + i == span.last;
        if (wide)
            compare_beside(out, block[0][i], block[1][i], style.draw.width);
        else if (!end && s->op[span.first + i].verb == PLAY_TAG)
            fputs(block[0][i], out);
        else
            fprintf(out, "%s:\n%s%s:\n%s\n", name[0], block[0][i], name[1],
                    block[1][i]);
        free(block[0][i]);
        free(block[1][i]);
    }
    free(block[0]);
    free(block[1]);
    return 0;
}
