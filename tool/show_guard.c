/* Guarded blocks for a person: an address among them, their area as rows. See show.h. */
#include "show.h"

#include "session.h"
#include "sites.h"
#include "symbol.h"
#include "text.h"

#include <stdlib.h>

enum { GUARD_FRAMES = 14, GUARD_ROWS = 16 };

typedef unsigned long long ull;

/* --- stacks ----------------------------------------------------------------- */

struct guard_stack {
    uint64_t pc[GUARD_FRAMES];
    unsigned depth, thread;
};

static void guard_stack_read(struct scan *s, const struct scan_guard *g, bool given,
                             struct guard_stack *stack)
{
    struct walk *w = s->walk;
    enum layout_id depth = given ? GUARD_RECORD_GIVEN_DEPTH : GUARD_RECORD_DEPTH,
                   list = given ? GUARD_RECORD_GIVEN_STACK : GUARD_RECORD_STACK,
                   thread = given ? GUARD_RECORD_GIVEN_THREAD : GUARD_RECORD_THREAD;
    uint64_t most = w->field[list].count, kept = walk_element(w, g->record, depth, 0);
    *stack =
        (struct guard_stack){.thread = (unsigned)walk_element(w, g->record, thread, 0)};
    kept = kept < most ? kept : most;
    for (; stack->depth < kept && stack->depth < GUARD_FRAMES; stack->depth++)
        stack->pc[stack->depth] = walk_element(w, g->record, list, stack->depth);
}

static void guard_frame(struct draw *d, struct scan *s, struct symbols *names,
                        unsigned number, uint64_t pc)
{
    char said[SYMBOL_TEXT] = "";
    struct site_frame f = site_frame_of(s->source, pc);
    if (f.path[0] != '\0')
        symbols_say(names, f.path, f.offset, said);
    char *shown = text_printable(f.path);
    if (said[0] != '\0')
        fprintf(d->out, "      #%u %s\n", number, said);
    else
        fprintf(d->out, "      #%u %s%s0x%llx\n", number, shown,
                f.path[0] != '\0' ? "+" : "", (ull)f.offset);
    free(shown);
}

static void guard_stack_show(struct draw *d, struct scan *s, struct symbols *names,
                             const struct scan_guard *g, bool given)
{
    struct guard_stack stack;
    guard_stack_read(s, g, given, &stack);
    fprintf(d->out, "  %s by thread %u%s\n", given ? "freed    " : "allocated",
            stack.thread, stack.depth == 0 ? ", no stack was kept" : "");
    for (unsigned i = 0; i < stack.depth; i++)
        guard_frame(d, s, names, i, stack.pc[i]);
}

static void guard_stack_json(FILE *out, struct scan *s, struct symbols *names,
                             const struct scan_guard *g, bool given)
{
    struct guard_stack stack;
    guard_stack_read(s, g, given, &stack);
    fprintf(out, "{\"thread\":%u,\"stack\":[", stack.thread);
    for (unsigned i = 0; i < stack.depth; i++) {
        struct site_frame f = site_frame_of(s->source, stack.pc[i]);
        fputs(i == 0 ? "" : ",", out);
        site_frame_json(names, &f, out);
    }
    fprintf(out, "]}");
}

/* --- an address ------------------------------------------------------------- */

/* The place whose block ends at the guard page that the address lies in, or NULL. */
static const struct scan_guard *guard_before(const struct scan *s, uint64_t address)
{
    uint64_t page = align_down(address, s->walk->page);
    const struct scan_guard *g =
        page == s->guard_area.start ? NULL : scan_guard_of(s, page - 1);
    return g != NULL && g->to == page ? g : NULL;
}

static void guard_block_show(struct session *n, const struct scan_guard *g)
{
    struct draw *d = &n->draw;
    char name[NAME_TEXT], size[SIZE_TEXT];
    uint64_t pages = (g->to - g->from) / n->scan.walk->page;
    fprintf(d->out, "  block     0x%llx  %s  asked %llu, usable %llu, %s\n",
            (ull)g->mem, scan_name(&n->scan, name, g->mem), (ull)g->bytes,
            (ull)(g->to - g->mem), g->is_live ? "in use" : "freed");
    fprintf(d->out, "  pages     %llu from 0x%llx, %s%s\n", (ull)pages, (ull)g->from,
            n->source.run == NULL ? ""
                                  : text_size(size, scan_guard_resident(&n->scan, g)),
            n->source.run == NULL ? "nobody may touch those around them" : " resident");
    fprintf(d->out, "  behind it 0x%llx, a page that nobody may touch\n", (ull)g->to);
    struct symbols *names = symbols_open();
    guard_stack_show(d, &n->scan, names, g, false);
    if (!g->is_live)
        guard_stack_show(d, &n->scan, names, g, true);
    symbols_close(names);
}

/* How the address lies to the block. */
static void guard_where(FILE *out, uint64_t address, const struct scan_guard *g)
{
    const char *state = g->is_live ? "in use" : "freed: to touch it is a fault";
    if (address < g->mem - CHUNK_HEADER)
        fprintf(out, "%llu bytes before a guarded block, on its page, %s",
                (ull)(g->mem - address), state);
    else if (address < g->mem)
        fprintf(out, "the header of a guarded block, %s", state);
    else if (address < g->mem + g->bytes)
        fprintf(out, "byte %llu of a guarded block, %s", (ull)(address - g->mem),
                state);
    else
        fprintf(out, "%llu past the last byte of a guarded block, %s",
                (ull)(address - g->mem - g->bytes) + 1, state);
}

static void guard_text(struct session *n, uint64_t address)
{
    struct scan *s = &n->scan;
    char name[NAME_TEXT];
    const struct scan_guard *g = scan_guard_of(s, address),
                            *before = guard_before(s, address);
    fprintf(n->out, "0x%llx  %s  ", (ull)address, scan_name(s, name, address));
    if (address >= s->guard_bump && before == NULL) {
        fprintf(n->out, "in the part of the guard area that was never used\n");
    } else if (g != NULL && address >= g->from) {
        guard_where(n->out, address, g);
        fputc('\n', n->out);
        guard_block_show(n, g);
    } else if (before != NULL) {
        fprintf(n->out,
                "in a guard page: to touch it is a fault\n  it is %llu past the last "
                "byte of the block before it\n",
                (ull)(address - before->mem - before->bytes) + 1);
        guard_block_show(n, before);
        if (g != NULL)
            fprintf(n->out, "  the next  0x%llx, %llu bytes behind it, asked %llu\n",
                    (ull)g->mem, (ull)(g->mem - address), (ull)g->bytes);
    } else if (g != NULL) {
        fprintf(n->out, "%s: to touch it is a fault\n  it is %llu before this block\n",
                address < g->to - g->room ? "in a guard page"
                                          : "in a place for a larger guarded block",
                (ull)(g->mem - address));
        guard_block_show(n, g);
    } else {
        fprintf(n->out, "in the guard area, in a place that is just being taken\n");
    }
}

static void guard_json(struct session *n, uint64_t address)
{
    struct scan *s = &n->scan;
    FILE *out = n->out;
    const struct scan_guard *g = scan_guard_of(s, address),
                            *before = guard_before(s, address);
    bool barrier = g == NULL || address < g->from;
    g = barrier && before != NULL ? before : g;
    fprintf(out, "{\"schema\":\"chunky-what/1\",\"address\":");
    json_address(out, address);
    fprintf(out, ",\"guard_page\":%s,\"chunk\":", barrier ? "true" : "false");
    if (g == NULL) {
        fprintf(out, "null}\n");
        return;
    }
    char name[NAME_TEXT];
    json_address(out, g->mem - CHUNK_HEADER);
    fprintf(out,
            ",\"name\":\"%s\",\"size\":%llu,\"state\":\"%s\",\"offset\":%lld,"
            "\"asked\":%llu,\"allocated\":",
            scan_name(s, name, g->mem - CHUNK_HEADER),
            (ull)(g->to - g->mem + CHUNK_HEADER),
            kind_name(g->is_live ? KIND_GUARDED : KIND_BARRED),
            (long long)(address - g->mem), (ull)g->bytes);
    struct symbols *names = symbols_open();
    guard_stack_json(out, s, names, g, false);
    fprintf(out, ",\"freed\":");
    if (g->is_live)
        fprintf(out, "null");
    else
        guard_stack_json(out, s, names, g, true);
    symbols_close(names);
    fprintf(out, "}\n");
}

void what_guard(struct session *n, uint64_t address)
{
    if (options_want(n->options, "json"))
        guard_json(n, address);
    else
        guard_text(n, address);
    const struct scan_guard *g = scan_guard_of(&n->scan, address);
    if (n->options->wants_hex && options_want(n->options, "text") && g != NULL &&
        address >= g->from && g->is_live)
        show_hex(&n->draw, &n->source, g->mem - CHUNK_HEADER,
                 min_size(g->to - g->mem + CHUNK_HEADER,
                          n->options->hex != 0 ? n->options->hex : 64));
}

/* --- the area --------------------------------------------------------------- */

static struct cell guard_cell(const struct scan *s, uint64_t page)
{
    const struct scan_guard *g = scan_guard_of(s, page);
    if (g == NULL)
        return (struct cell){
            page < s->guard_bump || guard_before(s, page) != NULL ? '|' : '.', TINT_DIM,
            0};
    if (page < g->to - g->room)
        return (struct cell){'|', TINT_HEADER, 0};
    if (page < g->from)
        return (struct cell){'.', TINT_DIM, 0};
    bool odd = (g - s->guards) % 2 != 0;
    return g->is_live ? (struct cell){odd ? 'x' : 'o', odd ? TINT_LIVE2 : TINT_LIVE, 0}
                      : (struct cell){'-', TINT_FREE, 0};
}

void map_guards(struct draw *d, struct scan *s, uint64_t from, uint64_t to)
{
    struct cell cells[128];
    uint64_t page = s->walk->page, start = s->guard_area.start;
    uint64_t live = 0, freed = 0, pages = 0, rows = 0;
    char size[2][SIZE_TEXT];
    if (s->guard_bump == start)
        return;
    for (size_t i = 0; i < s->guard_count; i++) {
        const struct scan_guard *g = &s->guards[i];
        live += g->is_live;
        freed += !g->is_live;
        pages += g->is_live ? g->to - g->from : 0;
    }
    fprintf(d->out,
            "between guard pages  guard = 0x%llx  %llu block%s in %s; %llu freed;"
            " %s reserved\n",
            (ull)start, (ull)live, text_s(live), text_size(size[0], pages), (ull)freed,
            text_size(size[1], s->guard_area.end - start));
    fprintf(d->out, "  one cell is one page: ");
    draw_text(d, TINT_LIVE, "o x in use");
    draw_text(d, TINT_FREE, "  - freed");
    draw_text(d, TINT_HEADER, "  | guard page");
    draw_text(d, TINT_DIM, "  . room\n");
    uint64_t row = d->cells * page, end = s->guard_bump + page; /* the last one's */
    uint64_t at = to == 0 ? start : from > start ? from : start;
    end = to != 0 && to < end ? to : end;
    at = start + align_down(at - start, row);
    for (; at < end && (to != 0 || rows < GUARD_ROWS); at += row, rows++) {
        unsigned count = 0;
        for (; count < d->cells && at + count * page < end; count++)
            cells[count] = guard_cell(s, at + count * page);
        draw_row(d, at - start, cells, count, NULL);
    }
    draw_rows_end(d);
    if (at < end)
        fprintf(d->out, "  and %llu more rows (map SOURCE guard+0x%llx)\n",
                (ull)((end - at + row - 1) / row), (ull)(at - start));
}
