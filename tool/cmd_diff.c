/*
 * chunky diff: two pictures of one heap, merged in order of address. What is in use in
 * both is kept; by size, by state, and as a map of what came and went. State: the merge.
 */
#include "session.h"
#include "show.h"
#include "sites.h"
#include "text.h"

#include <stdlib.h>

enum { DIFF_LINES = 20, DIFF_COLUMNS = 120, CELLS_MAX = 128 };

/* Blocks in use of one side, in order of address: of all heaps, then those in none, which are
 * mapped or lie between guard pages. */
struct side {
    struct session n;
    struct options options;
    struct cursor cursor;
    size_t heap;
    struct block *outside;
    size_t outside_count, outside_next;
    bool is_outside; /* what comes next is in no heap */
    struct block b;
    bool has;
    struct tally kind[KINDS];
};

struct size_change {
    uint64_t size;
    uint64_t count[2];
};

struct mix {
    uint64_t kept, came, went;
};

struct diff {
    struct side side[2];
    struct tally kept, came, went, grew,
        shrank;                /* size: bytes of chunks; of the change */
    struct size_change *sizes; /* open addressing; both counts 0: unused */
    size_t room, used;
    /* The map. */
    bool draws;
    uint64_t cell, row;
    unsigned count;
    struct sites sites;
    struct mix mix[CELLS_MAX];
};

static void side_start(struct side *s)
{
    s->has = false;
    s->heap = 0;
    if (s->n.scan.heap_count != 0)
        cursor_open(&s->cursor, &s->n.scan, &s->n.scan.heaps[0]);
}

/* The next chunk in use. */
static void side_next(struct side *s)
{
    s->has = s->is_outside && s->outside_next < s->outside_count;
    if (s->has)
        s->b = s->outside[s->outside_next++];
    if (s->is_outside)
        return;
    while (s->heap < s->n.scan.heap_count) {
        while (cursor_next(&s->cursor, &s->b)) {
            s->kind[s->b.kind].count++;
            s->kind[s->b.kind].size += s->b.size;
            if (s->b.kind == KIND_LIVE) {
                s->has = true;
                return;
            }
        }
        if (++s->heap < s->n.scan.heap_count)
            cursor_open(&s->cursor, &s->n.scan, &s->n.scan.heaps[s->heap]);
    }
}

static bool side_keep(void *context, const struct block *b)
{
    struct side *s = context;
    size_t count = s->outside_count;
    s->kind[b->kind].count++;
    s->kind[b->kind].size += b->size;
    if (b->kind != KIND_MAPPED && b->kind != KIND_GUARDED)
        return true;
    if ((count & (count - 1)) == 0)
        s->outside =
            must(realloc(s->outside, (count == 0 ? 1 : 2 * count) * sizeof *b));
    s->outside[s->outside_count++] = *b;
    return true;
}

static int side_by_address(const void *x, const void *y)
{
    const struct block *a = x, *b = y;
    return a->address < b->address ? -1 : a->address > b->address;
}

/* Goes on with what is in no heap. */
static void side_leave_heaps(struct side *s)
{
    scan_mappings(&s->n.scan, side_keep, s);
    scan_guards(&s->n.scan, side_keep, s);
    if (s->outside_count != 0)
        qsort(s->outside, s->outside_count, sizeof *s->outside, side_by_address);
    s->is_outside = true;
    side_next(s);
}

/* --- sizes ------------------------------------------------------------------ */

static struct size_change *diff_size(struct diff *d, uint64_t size)
{
    if (2 * d->used >= d->room) {
        struct diff larger = {.room = d->room == 0 ? 1024 : 2 * d->room};
        larger.sizes = take(larger.room * sizeof *larger.sizes);
        for (size_t i = 0; i < d->room; i++)
            if ((d->sizes[i].count[0] | d->sizes[i].count[1]) != 0)
                *diff_size(&larger, d->sizes[i].size) = d->sizes[i];
        free(d->sizes);
        d->sizes = larger.sizes;
        d->room = larger.room;
    }
    size_t i = (size_t)(size / 16 * 0x9e3779b97f4a7c15u >> 20) & (d->room - 1);
    while ((d->sizes[i].count[0] | d->sizes[i].count[1]) != 0 &&
           d->sizes[i].size != size)
        i = (i + 1) & (d->room - 1);
    d->used += (d->sizes[i].count[0] | d->sizes[i].count[1]) == 0;
    d->sizes[i].size = size;
    return &d->sizes[i];
}

static uint64_t diff_apart(const struct size_change *s)
{
    return (s->count[0] > s->count[1] ? s->count[0] - s->count[1]
                                      : s->count[1] - s->count[0]) *
           s->size;
}

static int diff_by_change(const void *x, const void *y)
{
    uint64_t a = diff_apart(x), b = diff_apart(y);
    if (a != b)
        return a > b ? -1 : 1;
    const struct size_change *p = x, *q = y;
    return p->size < q->size ? -1 : p->size > q->size;
}

/* --- the map ---------------------------------------------------------------- */

static struct cell diff_cell(const struct mix *m)
{
    if (m->came != 0 && m->went != 0)
        return (struct cell){'*', TINT_BAD, 0};
    if (m->came != 0)
        return (struct cell){'+', TINT_CACHED, 0};
    if (m->went != 0)
        return (struct cell){'-', TINT_FREE, 0};
    return (struct cell){m->kept != 0 ? 'o' : '.', TINT_LIVE, 0};
}

static void diff_flush(struct diff *d)
{
    struct cell cells[CELLS_MAX];
    char note[64];
    struct mix sum = {0, 0, 0};
    if (d->count == 0)
        return;
    for (unsigned i = 0; i < d->count; i++) {
        cells[i] = diff_cell(&d->mix[i]);
        sum.came += d->mix[i].came;
        sum.went += d->mix[i].went;
    }
    snprintf(note, sizeof note, "+%llu -%llu B", (unsigned long long)sum.came,
             (unsigned long long)sum.went);
    draw_row(&d->side[0].n.draw, d->row, cells, d->count,
             sum.came + sum.went != 0 ? note : NULL);
    memset(d->mix, 0, sizeof d->mix);
    d->row += d->count * d->cell;
    d->count = 0;
}

/* Gaps of more than a row start a new one at their far end. Heaps alone are drawn. */
static void diff_paint(struct diff *d, const struct block *b, int what)
{
    uint64_t width = d->side[0].n.draw.cells * d->cell, end = b->address + b->size;
    if (!d->draws || b->heap == NULL)
        return;
    for (uint64_t at = b->address; at < end;) {
        if (d->count == 0 || at - d->row >= width) {
            diff_flush(d);
            d->row = align_down(at, width);
        }
        unsigned i = (unsigned)((at - d->row) / d->cell);
        uint64_t stop = d->row + (i + 1) * d->cell;
        stop = stop < end ? stop : end;
        d->count = i + 1 > d->count ? i + 1 : d->count;
        *(what == 0  ? &d->mix[i].kept
          : what > 0 ? &d->mix[i].came
                     : &d->mix[i].went) += stop - at;
        at = stop;
    }
}

/* --- the merge -------------------------------------------------------------- */

static void diff_count(struct tally *t, uint64_t size)
{
    t->count++;
    t->size += size;
}

/* One step: the lower of both, or a pair at the same address. */
static void diff_step(struct diff *d)
{
    struct side *a = &d->side[0], *b = &d->side[1];
    if (a->has && (!b->has || a->b.address < b->b.address)) {
        diff_size(d, a->b.size)->count[0]++;
        diff_count(&d->went, a->b.size);
        diff_paint(d, &a->b, -1);
        side_next(a);
        return;
    }
    if (!a->has || b->b.address < a->b.address) {
        diff_size(d, b->b.size)->count[1]++;
        diff_count(&d->came, b->b.size);
        diff_paint(d, &b->b, 1);
        side_next(b);
        return;
    }
    diff_size(d, a->b.size)->count[0]++;
    diff_size(d, b->b.size)->count[1]++;
    diff_count(&d->kept, b->b.size);
    if (b->b.size > a->b.size)
        diff_count(&d->grew, b->b.size - a->b.size);
    else if (b->b.size < a->b.size)
        diff_count(&d->shrank, a->b.size - b->b.size);
    diff_paint(d, &b->b, 0);
    side_next(a);
    side_next(b);
}

static void diff_merge(struct diff *d)
{
    for (int i = 0; i < 2; i++) {
        side_start(&d->side[i]);
        side_next(&d->side[i]);
    }
    while (d->side[0].has || d->side[1].has)
        diff_step(d);
    diff_flush(d);
    draw_rows_end(&d->side[0].n.draw);
    for (int i = 0; i < 2; i++)
        side_leave_heaps(&d->side[i]);
    while (d->side[0].has || d->side[1].has)
        diff_step(d);
    for (unsigned i = 0; i < 2; i++) {
        sites_read(&d->sites, &d->side[i].n.scan, i);
        scan_settle(&d->side[i].n.scan);
    }
    sites_sort(&d->sites);
}

/* --- telling ---------------------------------------------------------------- */

static void diff_line(FILE *out, const char *what, uint64_t a, uint64_t b)
{
    char size[3][SIZE_TEXT];
    fprintf(out, "  %-10s %12s %12s  %c%s\n", what, text_size(size[0], a),
            text_size(size[1], b),
            a == b  ? '='
            : b > a ? '+'
                    : '-',
            text_size(size[2], b > a ? b - a : a - b));
}

static uint64_t side_sum(const struct side *s, enum kind from, enum kind to)
{
    uint64_t sum = 0;
    for (unsigned k = from; k <= to; k++)
        sum += s->kind[k].size;
    return sum;
}

static void diff_states(const struct diff *d, FILE *out)
{
    const struct side *a = &d->side[0], *b = &d->side[1];
    char size[5][SIZE_TEXT];
    fprintf(out, "  %-10s %12s %12s\n", "", "A", "B");
    diff_line(out, "in use", a->kind[KIND_LIVE].size, b->kind[KIND_LIVE].size);
    diff_line(out, "mapped", a->kind[KIND_MAPPED].size, b->kind[KIND_MAPPED].size);
    if (a->kind[KIND_GUARDED].count + b->kind[KIND_GUARDED].count != 0)
        diff_line(out, "guarded", a->kind[KIND_GUARDED].size,
                  b->kind[KIND_GUARDED].size);
    diff_line(out, "cached", side_sum(a, KIND_CACHED, KIND_MOVING),
              side_sum(b, KIND_CACHED, KIND_MOVING));
    diff_line(out, "free", side_sum(a, KIND_FAST, KIND_LARGE),
              side_sum(b, KIND_FAST, KIND_LARGE));
    diff_line(out, "top", a->kind[KIND_TOP].size, b->kind[KIND_TOP].size);
    fprintf(out,
            "chunks in use: %llu came (%s), %llu went (%s), %llu stayed (%s); of these "
            "%llu grew "
            "by %s, %llu shrank by %s\n",
            (unsigned long long)d->came.count, text_size(size[0], d->came.size),
            (unsigned long long)d->went.count, text_size(size[1], d->went.size),
            (unsigned long long)d->kept.count, text_size(size[2], d->kept.size),
            (unsigned long long)d->grew.count, text_size(size[3], d->grew.size),
            (unsigned long long)d->shrank.count, text_size(size[4], d->shrank.size));
}

static size_t diff_sort_sizes(struct diff *d)
{
    size_t used = 0;
    for (size_t i = 0; i < d->room; i++)
        if ((d->sizes[i].count[0] | d->sizes[i].count[1]) != 0)
            d->sizes[used++] = d->sizes[i];
    if (used != 0)
        qsort(d->sizes, used, sizeof *d->sizes, diff_by_change);
    return used;
}

static void diff_print_sizes(struct diff *d, FILE *out, size_t limit)
{
    size_t used = diff_sort_sizes(d);
    char size[SIZE_TEXT];
    fprintf(out, "in use by chunk size, largest change first\n");
    for (size_t i = 0; i < used && i < limit; i++) {
        const struct size_change *s = &d->sizes[i];
        if (s->count[0] == s->count[1])
            break;
        fprintf(out, "  %#10llx %9llu -> %-9llu %c%s\n", (unsigned long long)s->size,
                (unsigned long long)s->count[0], (unsigned long long)s->count[1],
                s->count[1] > s->count[0] ? '+' : '-', text_size(size, diff_apart(s)));
    }
}

static void diff_json(struct diff *d, FILE *out)
{
    size_t used = diff_sort_sizes(d);
    fprintf(out, "{\"schema\":\"chunky-diff/1\",\"a\":");
    json_string(out, d->side[0].n.source.title);
    fprintf(out, ",\"b\":");
    json_string(out, d->side[1].n.source.title);
    fprintf(out, ",\"states\":{");
    for (unsigned k = 0; k < KINDS; k++)
        fprintf(out, "%s\"%s\":[%llu,%llu]", k == 0 ? "" : ",", kind_name((enum kind)k),
                (unsigned long long)d->side[0].kind[k].size,
                (unsigned long long)d->side[1].kind[k].size);
    const struct tally *t[] = {&d->came, &d->went, &d->kept, &d->grew, &d->shrank};
    static const char *const name[] = {"came", "went", "stayed", "grew", "shrank"};
    fputc('}', out);
    for (unsigned i = 0; i < 5; i++)
        fprintf(out, ",\"%s\":{\"count\":%llu,\"bytes\":%llu}", name[i],
                (unsigned long long)t[i]->count, (unsigned long long)t[i]->size);
    fprintf(out, ",\"sizes\":[");
    for (size_t i = 0; i < used; i++)
        fprintf(out, "%s{\"size\":%llu,\"a\":%llu,\"b\":%llu}", i == 0 ? "" : ",",
                (unsigned long long)d->sizes[i].size,
                (unsigned long long)d->sizes[i].count[0],
                (unsigned long long)d->sizes[i].count[1]);
    fprintf(out, "],\"call_sites\":");
    sites_json(&d->sites, out);
    fprintf(out, "}\n");
}

static uint64_t diff_extent(const struct scan *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->heap_count; i++)
        sum += s->heaps[i].h.end - s->heaps[i].h.start;
    return sum;
}

static void diff_text(struct diff *d, struct options *o)
{
    FILE *out = d->side[0].n.out;
    uint64_t a = diff_extent(&d->side[0].n.scan), b = diff_extent(&d->side[1].n.scan);
    uint64_t fit = map_cell_for(a > b ? a : b);
    d->cell = o->cell != 0 ? o->cell : fit < 64 ? 64 : fit;
    d->draws = true;
    if (d->side[0].n.draw.limit != 0 && d->side[0].n.draw.limit < DIFF_COLUMNS)
        d->side[0].n.draw.cells = 32; /* offsets are whole addresses */
    fprintf(out, "A  %s\nB  %s\n", d->side[0].n.source.title,
            d->side[1].n.source.title);
    fprintf(
        out,
        "  + came  - went  * both  o stayed in use  . free in both; a cell is %llu B\n",
        (unsigned long long)d->cell);
    diff_merge(d);
    diff_states(d, out);
    diff_print_sizes(d, out, o->limit != 0 ? o->limit : DIFF_LINES);
    sites_print(&d->sites, &d->side[0].n.draw, o->limit != 0 ? o->limit : DIFF_LINES);
    for (int i = 0; i < 2; i++) {
        struct survey none = {.scan = &d->side[i].n.scan};
        show_notes(&d->side[0].n.draw, &none);
    }
}

enum status cmd_diff(struct options *o)
{
    struct diff d = {.draws = false};
    if ((o->source == NULL && o->command == NULL) || o->operands != 1)
        return complain(STATUS_USAGE, "between what? chunky diff A B");
    d.side[0].options = d.side[1].options = *o;
    if (!session_spares(o, o->operand[0]))
        return STATUS_USAGE;
    /* A -- CMD: the command's heap at its end is the second. */
    d.side[0].options.source = o->command != NULL ? o->operand[0] : o->source;
    d.side[0].options.command = NULL;
    d.side[1].options.source = o->command != NULL ? NULL : o->operand[0];
    enum status status = session_open_late(&d.side[0].n, &d.side[0].options);
    if (status != STATUS_OK)
        return status;
    status = session_read(&d.side[1].n, &d.side[1].options);
    if (status != STATUS_OK)
        return session_close(&d.side[0].n, status);
    session_start(&d.side[0].n);
    if (options_want(o, "json")) {
        diff_merge(&d);
        diff_json(&d, d.side[0].n.out);
    } else {
        if (options_want(o, "html"))
            session_page(&d.side[0].n);
        diff_text(&d, o);
    }
    if (o->fail && d.came.count + d.went.count + d.grew.count + d.shrank.count != 0)
        status = STATUS_FINDING;
    free(d.side[0].outside);
    free(d.side[1].outside);
    free(d.sizes);
    sites_close(&d.sites);
    enum status second = session_close(&d.side[1].n, status);
    enum status first = session_close(&d.side[0].n, status);
    return first != STATUS_OK ? first : second;
}
