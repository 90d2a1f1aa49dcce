/* Byte grids and the numbered page; see play_draw.h. No state. */
#include "play_draw.h"

#include "play_focus.h"
#include "play_tint.h"

#include <inttypes.h>
#include <stdlib.h>

/* Some of a region's bytes, a glyph each. */
struct bytes {
    uint64_t start, room;
    char *glyph;
};

static void bytes_piece(void *context, uint64_t at, uint64_t length, char glyph)
{
    struct bytes *b = context;
    uint64_t from = at > b->start ? at - b->start : 0;
    uint64_t to = at + length > b->start ? at + length - b->start : 0;
    to = to > b->room ? b->room : to;
    if (from < to)
        memset(b->glyph + from, glyph, to - from);
}

/* Glyphs of `room` bytes from an offset of the region; what is not there stays '_'. To be
 * freed. */
static char *draw_glyphs(const struct play_run *r, const struct heap_region *region,
                         uint64_t offset, uint64_t room)
{
    struct bytes b = {region->start + offset, room, malloc(room + 1)};
    if (b.glyph == NULL)
        return NULL;
    memset(b.glyph, '_', room);
    b.glyph[room] = '\0';
    play_draw_pieces(r, region, b.start, b.start + room, bytes_piece, &b);
    return b.glyph;
}

static const char *draw_variable(const struct play_run *r, const struct heap_chunk *c)
{
    const struct play_owner *o = play_run_owner(r, c->at + CHUNK_HEADER);
    return o == NULL || o->name < 0 ? "block" : r->script->name.text[o->name];
}

/* The chunks whose headers begin in a row. */
static void bytes_notes(const struct draw_style *d, const struct play_run *r,
                        const struct heap_region *region, uint64_t from, uint64_t to)
{
    const char *gap = "   ";
    struct heap_place p;
    const struct heap_chunk *c = heap_from(region, from, &p);
    for (; c != NULL && c->at + 8 < to; c = heap_next(&p)) {
        if (c->at + 8 < from)
            continue;
        if (c->state == WALK_LIVE || c->state == WALK_MAPPED)
            fprintf(d->out, "%s[%s %" PRIu64 "/%" PRIu64 "]", gap, draw_variable(r, c),
                    c->bytes, heap_usable(c));
        else if (c->state == WALK_FENCE)
            fprintf(d->out, "%s[fence]", gap);
        else
            fprintf(d->out, "%s[%s %#" PRIx64 "]", gap, play_draw_state(c->state),
                    c->size);
        gap = " ";
    }
}

static bool bytes_uniform(const char *row, size_t cells, char glyph)
{
    for (size_t i = 0; i < cells; i++)
        if (row[i] != glyph)
            return false;
    return true;
}

static void bytes_range(const struct draw_style *d, const struct play_run *r,
                        const struct heap_region *region, unsigned cells,
                        const struct focus_range *range)
{
    uint64_t rows = (range->to - range->from) / cells;
    char *glyph = draw_glyphs(r, region, range->from, rows * cells);
    if (glyph == NULL)
        return;
    for (uint64_t row = 0; row < rows; row++) {
        char *line = glyph + row * cells;
        uint64_t same = 0, at = range->from + row * cells;
        while (row + same < rows && bytes_uniform(line + same * cells, cells, line[0]))
            same++;
        if (same >= 3) {
            fprintf(d->out, "       * %" PRIu64 " rows of '%c'\n", same, line[0]);
            row += same - 1;
            continue;
        }
        fprintf(d->out, "  +%03" PRIx64 " |", at);
        tint_glyphs(d, line, cells, false);
        fputc('|', d->out);
        bytes_notes(d, r, region, region->start + at, region->start + at + cells);
        fputc('\n', d->out);
    }
    free(glyph);
}

/* The glyph of a row that has only one, else 0. */
static char bytes_glyph(const struct play_run *r, const struct heap_region *region,
                        unsigned cells, uint64_t at)
{
    char *line = draw_glyphs(r, region, at, cells);
    char glyph = '\0';
    if (line != NULL && bytes_uniform(line, cells, line[0]))
        glyph = line[0];
    free(line);
    return glyph;
}

/* Rows that are not drawn: inside one chunk they are all the same. */
static void bytes_fold(const struct draw_style *d, const struct play_run *r,
                       const struct heap_region *region, unsigned cells, uint64_t from,
                       uint64_t to)
{
    struct heap_place p;
    const struct heap_chunk *c = heap_from(region, region->start + from, &p);
    uint64_t rows = (to - from) / cells;
    char first = bytes_glyph(r, region, cells, from);
    if (c != NULL && c->at + CHUNK_HEADER <= region->start + from &&
        (c->at + c->size >= region->start + to || c->at + c->size == region->end) &&
        first != '\0' && first == bytes_glyph(r, region, cells, to - cells)) {
        fprintf(d->out, "       * %" PRIu64 " rows of '%c'\n", rows, first);
        return;
    }
    struct heap_sums s = heap_sums_of(region, region->start + from, region->start + to);
    fprintf(d->out,
            "       * %" PRIu64 " rows folded: %" PRIu64 " chunks in use, %" PRIu64
            " free\n",
            rows, s.live, s.parts);
}

static void bytes_region(const struct draw_style *d, const struct play_run *r,
                         const struct heap_region *region)
{
    unsigned cells = d->width >= 142 ? 128 : d->width >= 76 ? 64 : 32;
    uint64_t size = region->end - region->start;
    struct focus f;
    focus_of(&f, r, region, cells, d->all);
    for (unsigned i = 0; i < f.ranges; i++) {
        if (i != 0)
            bytes_fold(d, r, region, cells, f.range[i - 1].to, f.range[i].from);
        bytes_range(d, r, region, cells, &f.range[i]);
    }
    uint64_t drawn = f.ranges == 0 ? 0 : f.range[f.ranges - 1].to;
    if (drawn < size)
        bytes_fold(d, r, region, cells, drawn, (size + cells - 1) / cells * cells);
    fprintf(d->out, "       %s end +%" PRIx64 "\n", region->name, size);
}

void play_draw_bytes(const struct draw_style *d, const struct play_run *r)
{
    for (size_t i = 0; i < r->heap.regions; i++)
        bytes_region(d, r, &r->heap.region[i]);
}

enum { ART_PAGE = 4096, ART_ROW = 32 };

/* An edge of a row of boxes, its corners left, between two boxes, and right. */
static void art_rule(const struct draw_style *d, const char *left, const char *between,
                     const char *right)
{
    for (unsigned i = 0; i < ART_ROW; i++)
        fprintf(d->out, "%s%s",
                d->ascii ? "+"
                : i == 0 ? left
                         : between,
                d->ascii ? "----" : "────");
    fprintf(d->out, "%s\n", d->ascii ? "+" : right);
}

void play_draw_art(const struct draw_style *d, const struct play_run *r)
{
    if (r->heap.regions == 0)
        return;
    char *glyph = draw_glyphs(r, &r->heap.region[0], 0, ART_PAGE);
    if (glyph == NULL)
        return;
    const char *side = d->ascii ? "|" : "│";
    for (unsigned row = 0; row < ART_PAGE / ART_ROW; row++) {
        const char *line = glyph + row * ART_ROW;
        unsigned same = 0;
        while (row + same < ART_PAGE / ART_ROW &&
               bytes_uniform(line + same * ART_ROW, ART_ROW, '~'))
            same++;
        if (same >= 3) {
            fprintf(d->out, "* %u rows of '~'\n", same);
            row += same - 1;
            continue;
        }
        art_rule(d, "┌", "┬", "┐");
        for (unsigned i = 0; i < ART_ROW; i++)
            fprintf(d->out, "%s %c%c ", side, line[i], line[i]);
        fprintf(d->out, "%s\n", side);
        art_rule(d, "└", "┴", "┘");
        for (unsigned i = 0; i < ART_ROW; i++)
            fprintf(d->out, " %-4u", row * ART_ROW + i);
        fputc('\n', d->out);
    }
    free(glyph);
}
