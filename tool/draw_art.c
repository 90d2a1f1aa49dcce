/*
 * A page as boxes: 4096 of them, 32 a row, each numbered under its box. A box whose byte
 * starts a chunk (its header) has a double edge. See show.h. No state.
 */
#include "show.h"

enum { ART_ROW = 32, ART_ROWS = 128, ART_WIDTH = 4 };

struct art_glyphs {
    const char *flat, *bar, *first_bar;
    const char *top[3], *low[3]; /* corners: left, between two boxes, right */
};

/* The first cell of a header, which has eight. */
static bool art_starts(const struct cell *cells, unsigned i)
{
    return cells[i].glyph == '#' && (i == 0 || cells[i - 1].glyph != '#');
}

static void art_edge(FILE *out, const char *const corner[3], const char *flat)
{
    for (unsigned i = 0; i < ART_ROW; i++) {
        fputs(corner[i != 0], out);
        for (unsigned w = 0; w < ART_WIDTH; w++)
            fputs(flat, out);
    }
    fprintf(out, "%s\n", corner[2]);
}

void art_page(struct draw *d, const struct cell *cells)
{
    static const struct art_glyphs ascii = {
        "-", "|", "[", {"+", "+", "+"}, {"+", "+", "+"}};
    static const struct art_glyphs boxes = {
        "─", "│", "║", {"┌", "┬", "┐"}, {"└", "┴", "┘"}};
    const struct art_glyphs *g = d->unicode ? &boxes : &ascii;
    for (unsigned row = 0; row < ART_ROWS && ferror(d->out) == 0; row++) {
        const struct cell *c = cells + (size_t)row * ART_ROW;
        art_edge(d->out, g->top, g->flat);
        for (unsigned i = 0; i < ART_ROW; i++) {
            fputs(art_starts(cells, row * ART_ROW + i) ? g->first_bar : g->bar, d->out);
            draw_tint(d, (enum tint)c[i].tint);
            for (unsigned w = 0; w < ART_WIDTH; w++)
                fputc(draw_ascii(&c[i]), d->out);
            draw_tint(d, TINT_NONE);
        }
        fprintf(d->out, "%s\n", g->bar);
        art_edge(d->out, g->low, g->flat);
        for (unsigned i = 0; i < ART_ROW; i++) {
            unsigned n = row * ART_ROW + i;
            fprintf(d->out, n < 100 ? "  %-3u" : " %-4u", n);
        }
        fputc('\n', d->out);
    }
}
