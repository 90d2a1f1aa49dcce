/*
 * The map: rows of cells from the streamed chunks of a heap. Cells up to 16 bytes show
 * who owns each byte; larger ones how much of them is in use. State: the pen.
 */
#include "show.h"

enum { CELLS_MAX = 128, FINE_MAX = 16 };

/* What one large cell holds, bytes. */
struct mix {
    uint64_t live, cached, free, top, broken;
};

struct pen {
    struct draw *d;
    struct scan *s;
    const struct scan_heap *h;
    uint64_t cell;
    uint64_t base;  /* offsets count from here */
    uint64_t row;   /* address of the row that is being filled */
    unsigned count; /* cells of it that were reached */
    struct cell cells[CELLS_MAX];
    struct mix mix[CELLS_MAX];
    bool odd; /* every other chunk has the other tint */
    bool last_live;
};

uint64_t map_cell_for(uint64_t extent)
{
    if (extent <= 4 * KIB)
        return 1;
    if (extent <= 256 * KIB)
        return 16;
    if (extent <= 64 * (uint64_t)MIB)
        return 4096;
    uint64_t cell = 4096;
    while (cell * 4096 < extent)
        cell *= 2;
    return cell;
}

static unsigned pen_share(uint64_t part, uint64_t cell)
{
    unsigned shade = (unsigned)((part * 5 + cell - 1) / cell);
    return shade > 5 ? 5 : shade;
}

/* Judges a large cell; counts for the row's note. */
static void pen_finish_cell(struct pen *p, unsigned i, uint64_t *used, unsigned *idle)
{
    const struct mix *m = &p->mix[i];
    struct cell *c = &p->cells[i];
    uint64_t from = p->row + i * p->cell;
    bool resident = p->s->source->resident == NULL ||
                    scan_resident(p->s, align_down(from, 4096), from + p->cell) != 0;
    *used += m->live;
    *idle += m->live == 0 && resident;
    c->shade = 0;
    if (m->broken != 0) {
        c->glyph = '!';
        c->tint = TINT_BAD;
    } else if (m->live != 0) {
        c->shade = (uint8_t)pen_share(m->live, p->cell);
        c->tint = TINT_LIVE;
    } else if (!resident) {
        c->glyph = '_';
        c->tint = TINT_DIM;
    } else {
        bool cached = m->cached > m->free && m->cached > m->top;
        c->glyph = cached ? 'c' : m->top > m->free ? '~' : '-';
        c->tint = cached ? TINT_CACHED : m->top > m->free ? TINT_TOP : TINT_FREE;
    }
}

static void pen_flush(struct pen *p)
{
    char note[80];
    uint64_t used = 0;
    unsigned idle = 0;
    if (p->count == 0)
        return;
    if (p->cell > FINE_MAX) {
        for (unsigned i = 0; i < p->count; i++)
            pen_finish_cell(p, i, &used, &idle);
        uint64_t pages = p->count * (p->cell < 4096 ? 1 : p->cell / 4096);
        snprintf(note, sizeof note, "%llu %s %3.0f %% used  %u resident but free",
                 (unsigned long long)pages, p->cell < 4096 ? "cells" : "pages",
                 100.0 * (double)used / ((double)p->count * (double)p->cell), idle);
        draw_row(p->d, p->row - p->base, p->cells, p->count,
                 used == 0 && idle == 0 ? NULL : note);
        memset(p->mix, 0, sizeof p->mix);
    } else {
        draw_row(p->d, p->row - p->base, p->cells, p->count, NULL);
    }
    p->row += p->count * p->cell;
    p->count = 0;
}

/* Makes the row hold the cell of an address at or behind it; gaps are never owned. */
static unsigned pen_reach(struct pen *p, uint64_t address)
{
    uint64_t width = p->d->cells * p->cell;
    while (address - p->row >= width) {
        while (p->count < p->d->cells)
            p->cells[p->count++] = (struct cell){'.', TINT_DIM, 0};
        pen_flush(p);
    }
    unsigned at = (unsigned)((address - p->row) / p->cell);
    while (p->count <= at)
        p->cells[p->count++] = (struct cell){'.', TINT_DIM, 0};
    return at;
}

/* Many rows of one glyph at once: a top of gigabytes is not painted cell by cell. */
static void pen_skip_rows(struct pen *p, uint64_t *from, uint64_t to, char glyph)
{
    uint64_t width = p->d->cells * p->cell;
    if (*from != p->row || p->count != 0 || p->d->row_glyph != glyph ||
        to - *from < width)
        return;
    uint64_t rows = (to - *from) / width;
    p->d->row_count += rows;
    p->row += rows * width;
    *from = p->row;
}

/* Cells from `from` (that cell wholly, if it starts there) to `to`. */
static void pen_paint(struct pen *p, uint64_t from, uint64_t to, char glyph,
                      enum tint t)
{
    while (from < to) {
        if (from - p->row == p->d->cells * p->cell)
            pen_flush(p);
        pen_skip_rows(p, &from, to, glyph);
        if (from >= to)
            break;
        p->cells[pen_reach(p, from)] = (struct cell){glyph, (uint8_t)t, 0};
        from = p->row + ((from - p->row) / p->cell + 1) * p->cell;
    }
}

static uint64_t pen_up(const struct pen *p, uint64_t address)
{
    return p->base + align_up(address - p->base, p->cell);
}

/* Header, asked bytes, slack; or header, links, free body, footer. */
static void pen_fine(struct pen *p, const struct block *b)
{
    uint64_t mem = b->address + CHUNK_HEADER, end = b->address + b->size;
    uint64_t footer = end, usable = end + CHUNK_OVERHEAD;
    enum tint t = draw_tint_of(b->kind, p->odd);
    if (b->kind == KIND_BROKEN) {
        pen_paint(p, b->address, mem, '!', TINT_BAD);
        pen_paint(p, mem, end, '?', TINT_BAD);
        return;
    }
    if (b->address == p->h->h.first)
        pen_paint(p, b->address, b->address + CHUNK_OVERHEAD, '.', TINT_DIM);
    pen_paint(p, b->address + CHUNK_OVERHEAD, mem, '#', TINT_HEADER);
    switch (b->kind) {
    case KIND_FENCE:
        return;
    case KIND_LIVE:
        pen_paint(p, mem, mem + b->request, p->odd ? 'x' : 'o', t);
        pen_paint(p, pen_up(p, mem + b->request), usable, '.', TINT_SLACK);
        return;
    case KIND_UNSORTED:
    case KIND_SMALL:
    case KIND_LARGE:
        if (p->cell <= 8) {
            pen_paint(p, mem, mem + 8, 'f', t);
            pen_paint(p, mem + 8, mem + 16, 'b', t);
            mem += 16;
        }
        pen_paint(p, mem, footer, '-', t);
        pen_paint(p, footer, usable, '=', t);
        return;
    case KIND_FAST:
        if (p->cell <= 8) {
            pen_paint(p, mem, mem + 8, 'f', t);
            mem += 8;
        }
        pen_paint(p, mem, usable, '-', t);
        return;
    case KIND_TOP:
        pen_paint(p, mem, usable, '~', t);
        return;
    default:
        pen_paint(p, mem, usable, 'c', t);
    }
}

/* Shares of a chunk in the large cells that it touches. */
static void pen_coarse(struct pen *p, const struct block *b)
{
    uint64_t from = b->address, end = b->address + b->size;
    while (from < end) {
        if (from - p->row >= p->d->cells * p->cell)
            pen_flush(p);
        unsigned at = pen_reach(p, from);
        uint64_t stop = p->row + (at + 1) * p->cell;
        uint64_t part = (stop < end ? stop : end) - from;
        struct mix *m = &p->mix[at];
        if (b->kind == KIND_LIVE)
            m->live += part;
        else if (b->kind == KIND_TOP)
            m->top += part;
        else if (b->kind == KIND_BROKEN)
            m->broken += part;
        else if (kind_is_cached(b->kind) || b->kind == KIND_FAST)
            m->cached += part;
        else if (b->kind != KIND_FENCE)
            m->free += part;
        from += part;
    }
}

static bool pen_block(void *context, const struct block *b)
{
    struct pen *p = context;
    if (b->kind == KIND_LIVE)
        p->odd = !p->odd;
    if (p->cell <= FINE_MAX)
        pen_fine(p, b);
    else
        pen_coarse(p, b);
    return ferror(p->d->out) == 0;
}

void map_heap(struct draw *d, struct scan *s, struct scan_heap *h, uint64_t cell)
{
    struct pen p = {.d = d, .s = s, .h = h, .cell = cell};
    p.base = cell > FINE_MAX ? align_down(h->h.start, 4096) : h->h.first;
    p.row = p.base;
    d->row_glyph = '\0';
    s->wants_request = cell <= FINE_MAX;
    scan_heap(s, h, pen_block, &p);
    pen_flush(&p);
    draw_rows_end(d);
    fprintf(d->out, "  +%07llx heap ends\n", (unsigned long long)(h->h.end - p.base));
}

void map_legend(struct draw *d, uint64_t cell)
{
    if (cell <= FINE_MAX) {
        fprintf(d->out, "  ");
        draw_text(d, TINT_HEADER, "# header");
        draw_text(d, TINT_LIVE, "  o x in use");
        draw_text(d, TINT_SLACK, "  . slack");
        draw_text(d, TINT_FREE,
                  cell <= 8 ? "  f b links  - free  = prev_size" : "  - free");
        draw_text(d, TINT_CACHED, "  c cached");
        draw_text(d, TINT_TOP, "  ~ top");
        draw_text(d, TINT_BAD, "  ! broken");
    } else {
        struct cell shade = {0, TINT_LIVE, 1};
        fprintf(d->out, "  ");
        fprintf(d->out, "in use: ");
        for (; shade.shade <= 5; shade.shade++) {
            static const char *const upto[] = {"", "20", "40", "60", "80", "100 %"};
            draw_cell_alone(d, &shade);
            fprintf(d->out, " %s ", upto[shade.shade]);
        }
        draw_text(d, TINT_CACHED, " c cached");
        draw_text(d, TINT_FREE, "  - free");
        draw_text(d, TINT_TOP, "  ~ top");
        draw_text(d, TINT_DIM, "  _ not resident");
        draw_text(d, TINT_BAD, "  ! broken");
    }
    char size[24];
    snprintf(size, sizeof size, cell < 1024 ? "%llu B" : "%llu KiB",
             (unsigned long long)(cell < 1024 ? cell : cell / 1024));
    fprintf(d->out, "\n  one cell is %s, one row %u cells\n", size, d->cells);
}
