/* What the glyphs of a map mean; see show.h. No state. */
#include "show.h"

#include "text.h"

enum { LEGEND_NOTES = 118 /* columns that rows with whole notes need */ };

static void legend_fine(struct draw *d, const struct map_style *style)
{
    draw_text(d, TINT_HEADER, "# header");
    if (style->color_by == MAP_BY_STATE)
        draw_text(d, TINT_LIVE, "  o x in use");
    draw_text(d, TINT_SLACK, "  . slack");
    draw_text(d, TINT_FREE,
              style->cell <= 8 ? "  f b links  - free  = prev_size" : "  - free");
    draw_text(d, TINT_CACHED, "  c cached");
    draw_text(d, TINT_TOP, "  ~ top");
    if (style->marks_resident && !style->no_resident)
        draw_text(d, TINT_DIM, "  _ not resident");
}

static void legend_shades(struct draw *d)
{
    static const char *const upto[] = {"", "20", "40", "60", "80", "100 %"};
    struct cell shade = {0, TINT_LIVE, 1};
    fprintf(d->out, "in use: ");
    for (; shade.shade <= 5; shade.shade++) {
        draw_cell_alone(d, &shade);
        draw_tint(d, TINT_NONE);
        fprintf(d->out, " %s ", upto[shade.shade]);
    }
}

void map_legend(struct draw *d, const struct map_style *style)
{
    char size[SIZE_TEXT];
    bool fine = style->cell <= 16;
    fprintf(d->out, "  ");
    if (fine) {
        legend_fine(d, style);
    } else {
        if (style->color_by == MAP_BY_STATE)
            legend_shades(d);
        draw_text(d, TINT_CACHED, " c cached");
        draw_text(d, TINT_FREE, "  - free");
        draw_text(d, TINT_TOP, "  ~ top");
        if (!style->no_resident)
            draw_text(d, TINT_DIM, "  _ not resident");
    }
    draw_text(d, TINT_BAD, "  ! broken");
    if (style->color_by == MAP_BY_SIZE)
        fprintf(
            d->out,
            "\n  letters: in use, A: 32 B or more, each next letter twice as large");
    if (style->color_by == MAP_BY_ARENA)
        fprintf(d->out, "\n  digits: in use, the arena's last digit");
    fprintf(d->out, "\n  one cell is %s, one row %u cells\n",
            text_size(size, style->cell), d->cells);
    if (style->no_resident && (!fine || style->marks_resident))
        fprintf(d->out, "  " RESIDENT_UNKNOWN "\n");
    if (!fine && d->limit != 0 && d->limit < LEGEND_NOTES)
        fprintf(d->out, "  behind a row: how much of it is in use, percent\n");
}
