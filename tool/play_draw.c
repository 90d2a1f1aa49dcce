/* Pieces of chunks, and the strips made of them; see play_draw.h. No state. */
#include "play_draw.h"

#include "play_list.h"
#include "play_tint.h"

#include <inttypes.h>

enum { GLYPHS = HEAP_GLYPHS, CELLS_MAX = 256 };

static void pieces_live(const struct play_run *r, const struct heap_chunk *c,
                        draw_piece *piece, void *context)
{
    uint64_t body = c->size - CHUNK_HEADER;
    uint64_t asked = c->bytes < body ? c->bytes : body;
    piece(context, c->at + CHUNK_HEADER, asked, play_run_letter(r, c));
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
                          const struct heap_chunk *before, draw_piece *piece,
                          void *context)
{
    if (before == NULL || c->state == WALK_MAPPED) {
        piece(context, c->at, 8, c->state == WALK_MAPPED ? '#' : '.');
    } else if (before->state == WALK_LIVE) {
        uint64_t body = before->size - CHUNK_HEADER;
        uint64_t asked = before->bytes > body ? before->bytes - body : 0;
        asked = asked > 8 ? 8 : asked;
        piece(context, c->at, asked, play_run_letter(r, before));
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

static void pieces_chunk(const struct play_run *r, const struct heap_chunk *c,
                         const struct heap_chunk *before, draw_piece *piece,
                         void *context)
{
    uint64_t body = c->size < CHUNK_HEADER ? 0 : c->size - CHUNK_HEADER;
    pieces_before(r, c, before, piece, context);
    piece(context, c->at + 8, 8, c->state == WALK_BROKEN ? '!' : '#');
    switch (c->state) {
    case WALK_LIVE:
    case WALK_MAPPED:
        pieces_live(r, c, piece, context);
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
}

void play_draw_pieces(const struct play_run *r, const struct heap_region *region,
                      uint64_t from, uint64_t to, draw_piece *piece, void *context)
{
    struct heap_place p;
    const struct heap_chunk *before = NULL;
    const struct heap_chunk *c = from > region->start ? heap_from(region, from - 1, &p)
                                                      : heap_from(region, from, &p);
    if (c != NULL && c->at < from && c->at + c->size <= from) {
        before = c;
        c = heap_next(&p);
    }
    for (; c != NULL && c->at < to; c = heap_next(&p)) {
        pieces_chunk(r, c, before, piece, context);
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

/* Cells of 64 KiB and more: what is known of the blocks that did not change is added up. */
static void strip_glyphs(void *context, uint64_t at, uint64_t length, char glyph)
{
    uint32_t *count = context;
    (void)at;
    count[(unsigned char)glyph % HEAP_GLYPHS] += (uint32_t)length;
}

static void strip_draw_block(const struct play_run *r, struct heap_block *b)
{
    if (b->glyph == NULL && (b->glyph = malloc(HEAP_GLYPHS * sizeof *b->glyph)) == NULL)
        return;
    memset(b->glyph, 0, HEAP_GLYPHS * sizeof *b->glyph);
    for (size_t i = 1; i + 1 < b->count; i++)
        pieces_chunk(r, &b->chunk[i], &b->chunk[i - 1], strip_glyphs, b->glyph);
    b->drawn = true;
}

static void strip_blocks(const struct play_run *r, const struct heap_region *region,
                         struct strip *s)
{
    const struct heap_chunk *before = NULL;
    for (size_t i = 0; i < region->store->blocks; i++) {
        struct heap_block *b = &region->store->block[i];
        uint64_t cell = i * (uint64_t)IMAGE_BLOCK / s->cell;
        if (b->count == 0)
            continue;
        if (!b->drawn)
            strip_draw_block(r, b);
        for (unsigned g = 0; g < HEAP_GLYPHS && b->drawn && cell < s->cells; g++)
            s->count[cell][g] += b->glyph[g];
        pieces_chunk(r, &b->chunk[0], before, strip_piece, s);
        if (b->count > 1)
            pieces_chunk(r, &b->chunk[b->count - 1], &b->chunk[b->count - 2],
                         strip_piece, s);
        before = &b->chunk[b->count - 1];
    }
}

/* Glyphs of the cells of one region. */
static void strip_fill(const struct play_run *r, const struct heap_region *region,
                       struct strip *s)
{
    memset(s->count, 0, s->cells * sizeof *s->count);
    if (s->cell >= IMAGE_BLOCK)
        strip_blocks(r, region, s);
    else
        play_draw_pieces(r, region, region->start, region->end, strip_piece, s);
}

/* Bytes in use and free of a large cell. Headers are neither, nor is the nobody's word at
 * the start of a heap. */
static void strip_add_up(const uint64_t *count, uint64_t *used, uint64_t *free)
{
    *used = *free = 0;
    for (int g = ' '; g < GLYPHS; g++) {
        if (strchr("-fbl=c", g) != NULL)
            *free += count[g];
        else if (g != '~' && g != '#')
            *used += count[g];
    }
    if (*used <= 8)
        *used = 0;
}

/* "0" to "9": how much of the cell is in use; "-" if all of it is top. */
static char strip_share(const uint64_t *count)
{
    uint64_t used, free;
    strip_add_up(count, &used, &free);
    return (char)(used + free == 0 ? '-' : '0' + (int)((9 * used) / (used + free)));
}

/* What stands for a cell of 64 KiB or more: how much of it is in use, as in `chunky map`. */
static char strip_shade(const uint64_t *count)
{
    uint64_t used, free;
    strip_add_up(count, &used, &free);
    if (used != 0)
        return ".:+#@"[(used * 5 - 1) / (used + free)];
    if (free == 0)
        return count['~'] != 0 ? '~' : ' ';
    return count['c'] > free - count['c'] ? 'c' : '-';
}

char *play_draw_strip(const struct draw_style *d, const struct play_run *r,
                      const struct heap_region *region, uint64_t *cell, bool shares)
{
    unsigned cells = strip_cells(d);
    struct strip s = {region->start, play_draw_scale(d, r, region), cells,
                      calloc(cells, sizeof *s.count)};
    char *text = malloc(cells + 1);
    if (s.count == NULL || text == NULL)
        list_fail();
    strip_fill(r, region, &s);
    for (unsigned k = 0; k < cells; k++)
        text[k] = shares                  ? strip_share(s.count[k])
                  : s.cell >= IMAGE_BLOCK ? strip_shade(s.count[k])
                                          : strip_glyph(s.count[k], s.cell);
    text[cells] = '\0';
    free(s.count);
    *cell = s.cell;
    return text;
}

void play_draw_strips(const struct draw_style *d, const struct play_run *r,
                      const char *text)
{
    uint64_t first = 0, cell = 0;
    if (r->heap.regions == 0)
        fprintf(d->out, "%-*.*s| no heap yet\n", (int)d->label, (int)d->label, text);
    for (size_t i = 0; i < r->heap.regions; i++) {
        const struct heap_region *region = &r->heap.region[i];
        char *strip = play_draw_strip(d, r, region, &cell, false);
        if (i == 0)
            fprintf(d->out, "%-*s|", (int)d->label, text);
        else
            fprintf(d->out, "%*s |", (int)d->label - 1, region->name);
        tint_glyphs(d, strip, strlen(strip), cell >= IMAGE_BLOCK);
        free(strip);
        first = i == 0 ? cell : first;
        if (i > 0 && cell != first)
            fprintf(d->out, "|  1 cell = %" PRIu64 " B\n", cell);
        else
            fputs("|\n", d->out);
    }
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
