/*
 * The map: rows of cells from the streamed chunks of a heap. Cells up to 16 bytes show
 * who owns each byte; larger ones how much of them is in use. State: the pen.
 */
#include "map_twin.h"
#include "text.h"

enum { CELLS_MAX = 128, FINE_MAX = 16, ART_ROW = 32, ART_CELLS = 4096 };

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
    uint64_t from, to; /* nothing outside is drawn */
    const struct map_style *style;
    const struct mix *more; /* of the other thread, from `base` on; or NULL */
    uint64_t more_count;
    uint64_t counted; /* pages before this one, in mix.busy */
    unsigned lines;   /* drawn; as many as are wanted: the rest is left out */
    bool odd;         /* every other chunk has the other tint */
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

/* Colour and letter of a chunk in use, by what the map is coloured. */
static enum tint pen_hue(const struct pen *p, uint64_t size, char *glyph)
{
    unsigned log2 = size < CHUNK_MIN ? 0 : log2_floor(size) - 5;
    unsigned arena = p->s->arenas[p->h->arena].a.index;
    if (p->style->color_by == MAP_BY_SIZE) {
        *glyph = (char)('A' + (log2 < 26 ? log2 : 25));
        return (enum tint)(TINT_HUE +
                           (log2 / 2 < TINT_HUES ? log2 / 2 : TINT_HUES - 1));
    }
    if (p->style->color_by == MAP_BY_ARENA) {
        *glyph = (char)('0' + arena % 10);
        return (enum tint)(TINT_HUE + arena % TINT_HUES);
    }
    *glyph = p->odd ? 'x' : 'o';
    return p->odd ? TINT_LIVE2 : TINT_LIVE;
}

/* Judges a large cell. */
static void pen_finish_cell(struct pen *p, unsigned i)
{
    const struct mix *m = &p->mix[i];
    struct cell *c = &p->cells[i];
    uint64_t from = p->row + i * p->cell;
    uint64_t end = from + p->cell < p->to ? from + p->cell : p->to;
    bool resident = scan_resident(p->s, from, end) != 0;
    c->shade = 0;
    if (m->broken != 0) {
        c->glyph = '!';
        c->tint = TINT_BAD;
    } else if (m->live != 0) {
        c->tint = (uint8_t)pen_hue(p, m->largest_size, &c->glyph);
        if (p->style->color_by == MAP_BY_STATE) {
            c->shade = (uint8_t)pen_share(m->live, end - from);
            c->tint = TINT_LIVE;
        }
    } else if (!resident) {
        c->glyph = '_';
        c->tint = TINT_DIM;
    } else {
        bool cached = m->cached > m->free && m->cached > m->top;
        c->glyph = cached ? 'c' : m->top > m->free ? '~' : '-';
        c->tint = cached ? TINT_CACHED : m->top > m->free ? TINT_TOP : TINT_FREE;
    }
}

/* Whether a note fits behind the row. */
static bool pen_has_room(const struct pen *p, size_t note)
{
    char offset[32];
    int before = snprintf(offset, sizeof offset, "  +%07llx |",
                          (unsigned long long)(p->row - p->base));
    return p->d->limit == 0 || (size_t)before + p->count + 3 + note <= p->d->limit;
}

/* What stands behind a row of large cells; false if there is nothing to say. Pages that
 * are in two rows are counted in none. */
static bool pen_note(const struct pen *p, char *note, size_t room)
{
    uint64_t page = p->s->walk->page, used = 0, busy = 0, idle = 0;
    uint64_t end = p->row + p->count * p->cell;
    end = end < p->to ? end : p->to;
    for (unsigned i = 0; i < p->count; i++) {
        used += p->mix[i].live;
        busy += p->mix[i].busy;
    }
    double percent = text_percent(used, end - p->row);
    int length =
        p->cell < page
            ? snprintf(note, room, "%u cells %3.0f %% used", p->count, percent)
            : snprintf(note, room, "%llu pages %3.0f %% used",
                       (unsigned long long)((end - p->row + page - 1) / page), percent);
    bool told = p->s->source->run != NULL && p->d->cells * p->cell >= page;
    if (told && align_down(end, page) > p->row) {
        idle = scan_resident(p->s, p->row, align_down(end, page));
        idle = idle > busy ? (idle - busy) / page : 0;
        snprintf(note + length, room - (size_t)length, "  %llu%s%s resident but free",
                 (unsigned long long)idle, p->cell < page ? " page" : "",
                 p->cell < page ? text_s(idle) : "");
    }
    if (!pen_has_room(p, strlen(note)))
        snprintf(note, room, "%3.0f", percent);
    return used != 0 || idle != 0;
}

static bool pen_is_full(const struct pen *p)
{
    return p->style->most != 0 && p->lines >= p->style->most && p->d->form == FORM_TEXT;
}

static void pen_flush(struct pen *p)
{
    char note[96];
    bool has_note = false;
    if (p->count == 0 || pen_is_full(p))
        return;
    if (p->cell > FINE_MAX) {
        uint64_t first = (p->row - p->base) / p->cell;
        for (unsigned i = 0; i < p->count && first + i < p->more_count; i++)
            mix_join(&p->mix[i], &p->more[first + i]);
        for (unsigned i = 0; i < p->count; i++)
            pen_finish_cell(p, i);
        has_note = pen_note(p, note, sizeof note);
    }
    draw_row(p->d, p->row - p->base, p->cells, p->count, has_note ? note : NULL);
    p->lines += p->d->row_count == 0; /* else it is one of many that are the same */
    if (p->cell > FINE_MAX)
        memset(p->mix, 0, sizeof p->mix);
    p->row += p->count * p->cell;
    p->count = 0;
}

/* Makes the row hold the cell of an address at or behind it; gaps are never owned. */
static unsigned pen_reach(struct pen *p, uint64_t address)
{
    uint64_t width = p->d->cells * p->cell;
    while (address - p->row >= width && !pen_is_full(p)) {
        while (p->count < p->d->cells)
            p->cells[p->count++] = (struct cell){'.', TINT_DIM, 0};
        pen_flush(p);
    }
    if (pen_is_full(p))
        return 0;
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
        p->d->form != FORM_TEXT || p->style->marks_resident || to - *from < width)
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
    from = from < p->from ? p->from : from;
    to = to > p->to ? p->to : to;
    while (from < to) {
        if (from - p->row == p->d->cells * p->cell)
            pen_flush(p);
        if (pen_is_full(p))
            break;
        pen_skip_rows(p, &from, to, glyph);
        if (from >= to)
            break;
        bool gone =
            p->style->marks_resident && scan_resident(p->s, from, from + 1) == 0;
        p->cells[pen_reach(p, from)] = gone ? (struct cell){'_', TINT_DIM, 0}
                                            : (struct cell){glyph, (uint8_t)t, 0};
        from = p->row + ((from - p->row) / p->cell + 1) * p->cell;
    }
}

static uint64_t pen_up(const struct pen *p, uint64_t address)
{
    return p->base + align_up(address - p->base, p->cell);
}

/* Both words before a block in a mapping of its own are the header; what is kept has none. */
static void pen_mapped(struct pen *p, const struct block *b)
{
    uint64_t mem = b->address + CHUNK_HEADER, end = b->address + b->size;
    char glyph;
    enum tint t = pen_hue(p, b->size, &glyph);
    if (b->kind != KIND_MAPPED) {
        pen_paint(p, b->address, end, '-', TINT_FREE);
        return;
    }
    pen_paint(p, b->address, mem, '#', TINT_HEADER);
    pen_paint(p, mem, mem + b->request, glyph, t);
    pen_paint(p, pen_up(p, mem + b->request), end, '.', TINT_SLACK);
}

/* Header, asked bytes, slack; or header, links, free body, footer. */
static void pen_fine(struct pen *p, const struct block *b)
{
    uint64_t mem = b->address + CHUNK_HEADER, end = b->address + b->size;
    uint64_t footer = end, usable = end + CHUNK_OVERHEAD;
    enum tint t = draw_tint_of(b->kind, p->odd);
    char glyph;
    if (b->kind == KIND_BROKEN) {
        pen_paint(p, b->address, mem, '!', TINT_BAD);
        pen_paint(p, mem, end, '?', TINT_BAD);
        return;
    }
    if (b->mapped != NULL) {
        pen_mapped(p, b);
        return;
    }
    if (b->address == p->h->h.first)
        pen_paint(p, b->address, b->address + CHUNK_OVERHEAD, '.', TINT_DIM);
    pen_paint(p, b->address + CHUNK_OVERHEAD, mem, '#', TINT_HEADER);
    switch (b->kind) {
    case KIND_FENCE:
        return;
    case KIND_LIVE:
        t = pen_hue(p, b->size, &glyph);
        pen_paint(p, mem, mem + b->request, glyph, t);
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
    uint64_t from = b->address < p->from ? p->from : b->address;
    uint64_t end = b->address + b->size < p->to ? b->address + b->size : p->to;
    uint64_t pages = align_down(p->to, p->s->walk->page); /* that are whole */
    while (from < end) {
        if (from - p->row >= p->d->cells * p->cell)
            pen_flush(p);
        if (pen_is_full(p))
            break;
        unsigned at = pen_reach(p, from);
        uint64_t stop = p->row + (at + 1) * p->cell;
        uint64_t part = (stop < end ? stop : end) - from;
        mix_add(&p->mix[at], b, part);
        if (b->kind == KIND_LIVE && from < pages)
            mix_pages(&p->mix[at], p->s, from, from + part, &p->counted);
        from += part;
    }
}

static bool pen_block(void *context, const struct block *b)
{
    struct pen *p = context;
    if (b->kind == KIND_LIVE)
        p->odd = !p->odd;
    if (b->address + b->size + CHUNK_OVERHEAD <= p->from)
        return true;
    if (b->address >= p->to)
        return false;
    if (p->cell <= FINE_MAX)
        pen_fine(p, b);
    else
        pen_coarse(p, b);
    return ferror(p->d->out) == 0 && !pen_is_full(p);
}

uint64_t map_base(const struct scan_heap *h, uint64_t cell)
{
    return cell > FINE_MAX ? align_down(h->h.start, 4096) : h->h.first;
}

/* What of a heap belongs to the second half comes from its thread. */
static void pen_heap(struct pen *p, struct scan_heap *h, struct map_twin *m)
{
    uint64_t at = map_twin_from(m, (size_t)(h - p->s->heaps));
    if (at == UINT64_MAX) {
        scan_heap(p->s, h, pen_block, p);
        return;
    }
    if (at != 0)
        scan_part(p->s, h, h->h.first, at, pen_block, p);
    if (at != 0 && h->done != at) {
        map_twin_drop(m);
        scan_part(p->s, h, h->done, UINT64_MAX, pen_block, p);
        return;
    }
    p->more = map_twin_sums(m, (size_t)(h - p->s->heaps), &p->more_count);
    if (p->more_count == 0)
        return;
    uint64_t live = map_twin_first_live(m, (size_t)(h - p->s->heaps));
    uint64_t page = p->s->walk->page;
    if (at != 0 && live != 0 && align_down(live, page) == align_down(at, page))
        mix_pages(&p->mix[pen_reach(p, live)], p->s, live, live + 1, &p->counted);
    pen_reach(p, p->to - 1);
}

static struct pen pen_open(struct draw *d, struct scan *s, const struct scan_heap *h,
                           const struct map_style *style)
{
    struct pen p = {.d = d, .s = s, .h = h, .cell = style->cell, .style = style};
    uint64_t width = d->cells * p.cell;
    p.base = map_base(h, p.cell);
    p.from =
        style->from > p.base ? p.base + (style->from - p.base) / width * width : p.base;
    p.to = style->to != 0 && style->to < h->h.end ? style->to : h->h.end;
    p.row = p.from;
    d->row_glyph = '\0';
    s->wants_request = p.cell <= FINE_MAX;
    return p;
}

static void pen_close(struct pen *p, const char *what)
{
    pen_flush(p);
    draw_rows_end(p->d);
    uint64_t width = p->d->cells * p->cell;
    uint64_t rest = p->row < p->to ? (p->to - p->row + width - 1) / width : 0;
    if (pen_is_full(p) && rest != 0)
        fprintf(p->d->out, "  and %llu more row%s (--limit)\n",
                (unsigned long long)rest, text_s(rest));
    if (p->d->form == FORM_TEXT && p->to == p->h->h.end)
        fprintf(p->d->out, "  +%07llx %s ends\n",
                (unsigned long long)(p->h->h.end - p->base), what);
}

void map_heap(struct draw *d, struct scan *s, struct scan_heap *h,
              const struct map_style *style, struct map_twin *twin)
{
    struct pen p = pen_open(d, s, h, style);
    pen_heap(&p, h, twin);
    pen_close(&p, "heap");
}

/* Of all mappings the one that is drawn. */
static bool pen_mapping(void *context, const struct block *b)
{
    struct pen *p = context;
    return b->mapped->m.start != p->h->h.start || pen_block(p, b);
}

struct scan_heap map_as_heap(const struct scan_mapped *m)
{
    uint64_t start = m->m.start;
    return (struct scan_heap){
        .h = {.start = start, .first = start, .end = start + m->m.length}};
}

void map_mapped(struct draw *d, struct scan *s, const struct scan_mapped *m,
                const struct map_style *style)
{
    struct scan_heap h = map_as_heap(m);
    struct pen p = pen_open(d, s, &h, style);
    scan_mappings(s, pen_mapping, &p);
    pen_close(&p, "mapping");
}

void map_art(struct draw *d, struct scan *s, struct scan_heap *h, bool mapped,
             uint64_t page)
{
    static struct cell cells[ART_CELLS];
    struct draw inner = {.out = d->out,
                         .cells = ART_ROW,
                         .form = FORM_CAPTURE,
                         .capture = cells,
                         .capture_count = ART_CELLS};
    struct map_style style = {.cell = 1};
    struct pen p = {.d = &inner,
                    .s = s,
                    .h = h,
                    .cell = 1,
                    .style = &style,
                    .base = page,
                    .row = page,
                    .from = page,
                    .to = page + ART_CELLS};
    for (unsigned i = 0; i < ART_CELLS; i++)
        cells[i] = (struct cell){' ', TINT_DIM, 0};
    s->wants_request = true;
    if (mapped)
        scan_mappings(s, pen_mapping, &p);
    else
        scan_heap(s, h, pen_block, &p);
    pen_flush(&p);
    art_page(d, cells);
}
