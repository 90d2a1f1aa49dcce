/* Strips, byte grids and the numbered page; see play_draw.h. No state. */
#include "play_draw.h"

#include <inttypes.h>
#include <stdlib.h>

enum { GLYPHS = 128, CELLS_MAX = 256 };

static void pieces_live(const struct play_run *r, const struct heap_chunk *c,
                        size_t turn, draw_piece *piece, void *context)
{
    uint64_t body = c->size - CHUNK_HEADER;
    uint64_t asked = c->bytes < body ? c->bytes : body;
    piece(context, c->at + CHUNK_HEADER, asked, play_run_letter(r, c, turn));
    piece(context, c->at + CHUNK_HEADER + asked, body - asked, '.');
}

static void pieces_free(const struct heap_chunk *c, draw_piece *piece, void *context)
{
    uint64_t at = c->at + CHUNK_HEADER, end = c->at + c->size;
    uint64_t links = c->size >= TAIL_MIN ? 48 : c->size >= LARGE_MIN ? 16 : 0;
    piece(context, at, 8, 'f');
    if (c->state == WALK_FAST) {
        piece(context, at + 8, end - at - 8, '-');
        return;
    }
    piece(context, at + 8, 8, 'b');
    piece(context, at + 16, links, 'l');
    piece(context, at + 16 + links, end - at - 16 - links, '-');
}

/* The eight bytes before a header: the end of the chunk before, or its footer. */
static void pieces_before(const struct play_run *r, const struct heap_chunk *c,
                          const struct heap_chunk *before, size_t turn,
                          draw_piece *piece, void *context)
{
    if (before == NULL || c->state == WALK_MAPPED) {
        piece(context, c->at, 8, c->state == WALK_MAPPED ? '#' : '.');
    } else if (before->state == WALK_LIVE) {
        uint64_t body = before->size - CHUNK_HEADER;
        uint64_t asked = before->bytes > body ? before->bytes - body : 0;
        asked = asked > 8 ? 8 : asked;
        piece(context, c->at, asked, play_run_letter(r, before, turn));
        piece(context, c->at + asked, 8 - asked, '.');
    } else {
        char glyph = (char)(walk_is_binned(before->state)  ? '='
                            : before->state == WALK_OUT    ? 'c'
                            : before->state == WALK_TOP    ? '~'
                            : before->state == WALK_BROKEN ? '!'
                                                           : '-');
        piece(context, c->at, 8, glyph);
    }
}

void play_draw_pieces(const struct play_run *r, const struct heap_region *region,
                      draw_piece *piece, void *context)
{
    const struct heap_chunk *before = NULL;
    for (size_t i = 0; i < region->count; i++) {
        const struct heap_chunk *c = &r->heap.chunk[region->first + i];
        uint64_t body = c->size < CHUNK_HEADER ? 0 : c->size - CHUNK_HEADER;
        pieces_before(r, c, before, i == 0 ? 0 : i - 1, piece, context);
        piece(context, c->at + 8, 8, c->state == WALK_BROKEN ? '!' : '#');
        switch (c->state) {
        case WALK_LIVE:
        case WALK_MAPPED:
            pieces_live(r, c, i, piece, context);
            break;
        case WALK_FAST:
        case WALK_UNSORTED:
        case WALK_SMALL:
        case WALK_LARGE:
            pieces_free(c, piece, context);
            break;
        case WALK_TOP:
            piece(context, c->at + CHUNK_HEADER, body, '~');
            break;
        case WALK_BROKEN:
            piece(context, c->at + CHUNK_HEADER, body, '?');
            break;
        default:
            piece(context, c->at + CHUNK_HEADER, body, 'c');
        }
        before = c;
    }
}

/* Which glyph stands for a cell in which there are several. */
static unsigned draw_rank(char glyph)
{
    static const char order[] = "_~.c-=lbf";
    const char *found = strchr(order, glyph);
    if (found != NULL && glyph != '\0')
        return (unsigned)(found - order) + 1;
    return glyph == '!' ? 200 : glyph == '#' ? 100 : 50;
}

struct strip {
    uint64_t start, cell;
    unsigned cells;
    uint64_t (*count)[GLYPHS];
};

static void strip_piece(void *context, uint64_t at, uint64_t length, char glyph)
{
    struct strip *s = context;
    uint64_t from = at - s->start, to = from + length;
    while (from < to && from / s->cell < s->cells) {
        uint64_t next = (from / s->cell + 1) * s->cell;
        if (next > to)
            next = to;
        s->count[from / s->cell][(unsigned char)glyph % GLYPHS] += next - from;
        from = next;
    }
}

static char strip_glyph(const uint64_t *count, uint64_t cell)
{
    char best = ' ';
    for (int g = ' ' + 1; g < GLYPHS; g++) {
        if (count[g] == 0)
            continue;
        bool more = cell <= 8 || count[g] == count[(unsigned char)best];
        if (best == ' ' || (more ? draw_rank((char)g) > draw_rank(best)
                                 : count[g] > count[(unsigned char)best]))
            best = (char)g;
    }
    return best;
}

static unsigned strip_cells(const struct draw_style *d)
{
    unsigned room = d->width > d->label + 4 + 8 ? d->width - d->label - 4 : 8;
    room = room / 8 * 8;
    return room > CELLS_MAX ? CELLS_MAX : room;
}

uint64_t play_draw_scale(const struct draw_style *d, const struct play_run *r,
                         const struct heap_region *region)
{
    uint64_t cell = 4;
    while (cell * strip_cells(d) < play_run_extent(r, region))
        cell *= 2;
    return cell;
}

void play_draw_strips(const struct draw_style *d, const struct play_run *r,
                      const char *text)
{
    unsigned cells = strip_cells(d);
    uint64_t first = 0;
    uint64_t(*count)[GLYPHS] = calloc(cells, sizeof *count);
    if (count == NULL)
        return;
    if (r->heap.regions == 0)
        fprintf(d->out, "%-*.*s| no heap yet\n", (int)d->label, (int)d->label, text);
    for (size_t i = 0; i < r->heap.regions; i++) {
        const struct heap_region *region = &r->heap.region[i];
        struct strip s = {region->start, play_draw_scale(d, r, region), cells, count};
        memset(count, 0, cells * sizeof *count);
        play_draw_pieces(r, region, strip_piece, &s);
        if (i == 0)
            fprintf(d->out, "%-*s|", (int)d->label, text);
        else
            fprintf(d->out, "%*s |", (int)d->label - 1, region->name);
        for (unsigned k = 0; k < cells; k++)
            fputc(strip_glyph(count[k], s.cell), d->out);
        first = i == 0 ? s.cell : first;
        if (i > 0 && s.cell != first)
            fprintf(d->out, "|  1 cell = %" PRIu64 " B\n", s.cell);
        else
            fputs("|\n", d->out);
    }
    free(count);
}

/* One region's bytes, a glyph each. */
struct bytes {
    uint64_t start, room;
    char *glyph;
};

static void bytes_piece(void *context, uint64_t at, uint64_t length, char glyph)
{
    struct bytes *b = context;
    uint64_t from = at - b->start;
    if (from >= b->room)
        return;
    memset(b->glyph + from, glyph, length < b->room - from ? length : b->room - from);
}

/* Glyphs of the region's first bytes; what is not there stays '_'. To be freed. */
static char *draw_glyphs(const struct play_run *r, const struct heap_region *region,
                         uint64_t room)
{
    struct bytes b = {region->start, room, malloc(room + 1)};
    if (b.glyph == NULL)
        return NULL;
    memset(b.glyph, '_', room);
    b.glyph[room] = '\0';
    play_draw_pieces(r, region, bytes_piece, &b);
    return b.glyph;
}

const char *play_draw_state(enum walk_state state)
{
    static const char *const names[WALK_STATES] = {[WALK_LIVE] = "in use",
                                                   [WALK_OUT] = "cached",
                                                   [WALK_FAST] = "fast",
                                                   [WALK_UNSORTED] = "unsorted",
                                                   [WALK_SMALL] = "small",
                                                   [WALK_LARGE] = "large",
                                                   [WALK_TOP] = "top",
                                                   [WALK_FENCE] = "fence",
                                                   [WALK_BROKEN] = "overwritten",
                                                   [WALK_MAPPED] = "in use",
                                                   [WALK_KEPT] = "kept"};
    return names[state];
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
    for (size_t i = 0; i < region->count; i++) {
        const struct heap_chunk *c = &r->heap.chunk[region->first + i];
        if (c->at + 8 < from || c->at + 8 >= to)
            continue;
        if (c->state == WALK_LIVE || c->state == WALK_MAPPED)
            fprintf(d->out, "%s[%s %" PRIu64 "/%" PRIu64 "]", gap, draw_variable(r, c),
                    c->bytes, c->usable);
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

static void bytes_region(const struct draw_style *d, const struct play_run *r,
                         const struct heap_region *region)
{
    unsigned cells = d->width >= 142 ? 128 : 64;
    uint64_t size = region->end - region->start, rows = (size + cells - 1) / cells;
    char *glyph = draw_glyphs(r, region, rows * cells);
    if (glyph == NULL)
        return;
    for (uint64_t row = 0; row < rows; row++) {
        char *line = glyph + row * cells;
        uint64_t same = 0;
        while (row + same < rows && bytes_uniform(line + same * cells, cells, line[0]))
            same++;
        if (same >= 3) {
            fprintf(d->out, "       * %" PRIu64 " rows of '%c'\n", same, line[0]);
            row += same - 1;
            continue;
        }
        fprintf(d->out, "  +%03" PRIx64 " |%.*s|", row * cells, (int)cells, line);
        bytes_notes(d, r, region, region->start + row * cells,
                    region->start + (row + 1) * cells);
        fputc('\n', d->out);
    }
    fprintf(d->out, "       %s end +%" PRIx64 "\n", region->name, size);
    free(glyph);
}

void play_draw_bytes(const struct draw_style *d, const struct play_run *r)
{
    for (size_t i = 0; i < r->heap.regions; i++)
        bytes_region(d, r, &r->heap.region[i]);
}

enum { ART_PAGE = 4096, ART_ROW = 32 };

static void art_rule(const struct draw_style *d, const char *corner, const char *line,
                     const char *end)
{
    for (unsigned i = 0; i < ART_ROW; i++)
        fprintf(d->out, "%s%s", corner, line);
    fprintf(d->out, "%s\n", end);
}

void play_draw_art(const struct draw_style *d, const struct play_run *r)
{
    if (r->heap.regions == 0)
        return;
    char *glyph = draw_glyphs(r, &r->heap.region[0], ART_PAGE);
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
        art_rule(d, d->ascii ? "+" : "┌", d->ascii ? "----" : "────",
                 d->ascii ? "+" : "┐");
        for (unsigned i = 0; i < ART_ROW; i++)
            fprintf(d->out, "%s %c%c ", side, line[i], line[i]);
        fprintf(d->out, "%s\n", side);
        art_rule(d, d->ascii ? "+" : "└", d->ascii ? "----" : "────",
                 d->ascii ? "+" : "┘");
        for (unsigned i = 0; i < ART_ROW; i++)
            fprintf(d->out, " %-4u", row * ART_ROW + i);
        fputc('\n', d->out);
    }
    free(glyph);
}
