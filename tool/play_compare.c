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

/* The text of each step of a run, in blocks; the last one is the end. */
static char **compare_blocks(struct text_style style, const struct play_script *s,
                             enum play_mode mode, const struct play_run *measured)
{
    struct play_run run;
    size_t length = 0;
    char **block = calloc(s->count + 2, sizeof *block);
    if (block == NULL || !play_run_start(&run, s, mode))
        return NULL;
    play_run_expect(&run, &measured[0]);
    play_run_expect(&run, &measured[1]);
    for (size_t i = 0; i <= s->count; i++) {
        style.draw.out = open_memstream(&block[i], &length);
        if (style.draw.out == NULL)
            return NULL;
        if (i < s->count && play_run_step(&run))
            play_text_step(&style, &run);
        else if (i == s->count)
            play_text_end(&style, &run);
        fclose(style.draw.out);
    }
    play_run_stop(&run);
    return block;
}

/* Columns of a line of UTF-8. */
static size_t compare_columns(const char *line, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)line[i] & 0xc0) != 0x80;
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

int compare_runs(const struct text_style *asked, const struct play_script *s,
                 const enum play_mode *mode)
{
    struct play_run measured[2];
    char **block[2];
    FILE *out = asked->draw.out;
    bool wide = asked->draw.width >= SIDE_BY_SIDE;
    struct text_style style = *asked;
    if (wide)
        style.draw.width = style.draw.width / 2 - 1;
    for (unsigned i = 0; i < 2; i++)
        if (!compare_measure(&measured[i], s, mode[i], 0))
            return 3;
    for (unsigned i = 0; i < 2; i++)
        if ((block[i] = compare_blocks(style, s, mode[i], measured)) == NULL)
            return 3;
    const char *name[2] = {play_mode_name(mode[0]), play_mode_name(mode[1])};
    if (wide)
        compare_beside(out, name[0], name[1], style.draw.width);
    for (size_t i = 0; i <= s->count; i++) {
        if (wide)
            compare_beside(out, block[0][i], block[1][i], style.draw.width);
        else if (i < s->count && s->op[i].verb == PLAY_TAG)
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
