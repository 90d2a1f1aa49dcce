/*
 * chunky layout: the address space, high addresses on top, drawn as boxes: program,
 * heaps and the break, mappings, stack, the gaps between, and what of it is Chunky's.
 */
#include "session.h"
#include "show.h"
#include "text.h"
#include "wrap.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { BOX = 40, BOX_NARROW = 28, BOX_COLUMNS = 110, BOX_MORE = 25, LABEL = 96 };
enum { BOX_TIGHT = 60, BOX_EDGES = 21 };

enum part {
    PART_TEXT,
    PART_RODATA,
    PART_DATA,
    PART_BSS,
    PART_FILE, /* libraries and other files */
    PART_ANONYMOUS,
    PART_STACK,
    PART_KERNEL, /* vdso, vvar, vsyscall */
    PART_HEAP,   /* ours, from here on */
    PART_RESERVED,
    PART_SPARE,
    PART_BLOCK,
    PART_META,
    PART_GUARD
};

struct segment {
    uint64_t start, end;
    enum part part;
    unsigned count;  /* mappings or blocks in it */
    uint64_t mapped; /* bytes of them: gaps inside a group do not count */
    uint64_t resident;
    bool has_break; /* ends at the program break */
    char label[LABEL];
};

struct layout_view {
    struct session *n;
    struct segment *ours; /* by address */
    size_t ours_count;
    struct segment *all;
    size_t count, room;
    char program[PATH_MAX];
    uint64_t program_end; /* of its last file mapping: the bss follows */
};

static int layout_by_start(const void *x, const void *y)
{
    const struct segment *a = x, *b = y;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Where the break stands: the end of the kernel's [heap]. */
static uint64_t layout_break(const struct source *s)
{
    for (size_t i = s->map_count; i-- > 0;)
        if (strcmp(s->maps[i].name, "[heap]") == 0)
            return s->maps[i].end;
    return 0;
}

static void layout_ours(struct layout_view *v)
{
    const struct scan *s = &v->n->scan;
    size_t n = 0;
    v->ours = take(
        (2 * s->heap_count + s->mapped_count + s->meta_count + s->spare_count + 2) *
        sizeof *v->ours);
    for (size_t i = 0; i < s->heap_count; i++) {
        const struct walk_heap *h = &s->heaps[i].h;
        struct segment *g = &v->ours[n++];
        *g = (struct segment){h->start,          h->end, PART_HEAP, 1,
                              h->end - h->start, 0,      false,     ""};
        g->has_break = h->end == layout_break(&v->n->source);
        snprintf(g->label, LABEL, "heap of arena %u",
                 s->arenas[s->heaps[i].arena].a.index);
        if (h->limit > h->end) {
            g = &v->ours[n++];
            *g = (struct segment){
                h->end, h->limit, PART_RESERVED,           1, h->limit - h->end,
                0,      false,    "reserved for that heap"};
        }
    }
    for (size_t i = 0; i < s->mapped_count; i++) {
        const struct walk_mapped *m = &s->mapped[i].m;
        v->ours[n++] = (struct segment){
            m->start, m->start + m->length,    PART_BLOCK, 1, m->length, 0,
            false,    "blocks mapped directly"};
    }
    for (size_t i = 0; i < s->meta_count; i++)
        v->ours[n++] = (struct segment){s->meta[i].start,
                                        s->meta[i].end,
                                        PART_META,
                                        1,
                                        s->meta[i].end - s->meta[i].start,
                                        0,
                                        false,
                                        "Chunky's metadata"};
    for (size_t i = 0; i < s->spare_count; i++)
        v->ours[n++] = (struct segment){s->spare[i].start,
                                        s->spare[i].end,
                                        PART_SPARE,
                                        1,
                                        s->spare[i].end - s->spare[i].start,
                                        0,
                                        false,
                                        "spare heaps, reserved only"};
    if (s->guard_area.end != 0)
        v->ours[n++] = (struct segment){s->guard_area.start,
                                        s->guard_area.end,
                                        PART_GUARD,
                                        1,
                                        s->guard_area.end - s->guard_area.start,
                                        0,
                                        false,
                                        "blocks between guard pages"};
    qsort(v->ours, n, sizeof *v->ours, layout_by_start);
    v->ours_count = n;
}

static void layout_program(struct layout_view *v)
{
    char path[64];
    const struct source *s = &v->n->source;
    ssize_t length = -1;
    if (s->kind == SOURCE_PID) {
        snprintf(path, sizeof path, "/proc/%d/exe", (int)s->thread);
        length = readlink(path, v->program, sizeof v->program - 1);
    }
    v->program[length > 0 ? length : 0] = '\0';
    for (size_t i = 0; i < s->map_count; i++) {
        if (v->program[0] == '\0' && s->maps[i].name[0] == '/')
            snprintf(v->program, sizeof v->program, "%s", s->maps[i].name);
        if (v->program[0] != '\0' && strcmp(s->maps[i].name, v->program) == 0)
            v->program_end = s->maps[i].end;
    }
}

/* What a mapping is that is not ours. */
static void layout_name(const struct layout_view *v, const struct map *m,
                        struct segment *g)
{
    const char *slash = strrchr(m->name, '/');
    char *shown = text_printable(slash == NULL ? m->name : slash + 1);
    const char *text = shown;
    g->part = PART_FILE;
    if (m->name[0] == '\0') {
        g->part = m->start == v->program_end ? PART_BSS : PART_ANONYMOUS;
        text = g->part == PART_BSS ? "bss: globals that start as zero" : "anonymous";
    } else if (strcmp(m->name, "[stack]") == 0) {
        g->part = PART_STACK;
        text = "stack";
    } else if (strcmp(m->name, "[heap]") == 0) {
        g->part = PART_ANONYMOUS;
        text = "break memory, not Chunky's";
    } else if (m->name[0] == '[') {
        g->part = strncmp(m->name, "[anon", 5) == 0 ? PART_ANONYMOUS : PART_KERNEL;
    } else if (strcmp(m->name, v->program) == 0) {
        g->part = (m->access & MAP_EXECUTE) != 0 ? PART_TEXT
                  : (m->access & MAP_WRITE) != 0 ? PART_DATA
                                                 : PART_RODATA;
        text = g->part == PART_TEXT   ? "text: the program's code"
               : g->part == PART_DATA ? "data: globals that start with a value"
                                      : "read-only data of the program";
    }
    snprintf(g->label, LABEL, "%s", text);
    free(shown);
}

/* Adds a piece; it joins the one below if they are of one kind and one name. */
static void layout_add(struct layout_view *v, const struct segment *g)
{
    struct segment *last = v->count == 0 ? NULL : &v->all[v->count - 1];
    uint64_t resident =
        v->n->source.run == NULL
            ? 0
            : source_resident(&v->n->source, g->start, g->end) * v->n->scan.walk->page;
    bool near = last != NULL && g->start - last->end < (uint64_t)64 * MIB;
    bool groups = g->part == PART_FILE || g->part == PART_BLOCK ||
                  g->part == PART_META || g->part == PART_KERNEL;
    if (near && last->part == g->part && strcmp(last->label, g->label) == 0 &&
        (groups || g->start == last->end)) {
        last->end = g->end;
        last->count += g->count;
        last->mapped += g->mapped;
        last->resident += resident;
        last->has_break = g->has_break;
        return;
    }
    if (v->all == NULL || v->count == v->room) {
        v->room = 2 * v->room + 64;
        v->all = must(realloc(v->all, v->room * sizeof *v->all));
    }
    v->all[v->count] = *g;
    v->all[v->count++].resident = resident;
}

/* Cuts a mapping where ours begins and ends. */
static void layout_cut(struct layout_view *v, const struct map *m, size_t *next)
{
    uint64_t page = v->n->scan.walk->page, at = m->start;
    while (*next < v->ours_count && v->ours[*next].end <= at)
        ++*next;
    for (size_t i = *next; at < m->end; i++) {
        bool none = i >= v->ours_count || v->ours[i].start >= m->end;
        uint64_t until = none ? m->end : align_down(v->ours[i].start, page);
        if (until > at) {
            struct segment g = {at, until, PART_FILE, 1, until - at, 0, false, ""};
            layout_name(v, m, &g);
            layout_add(v, &g);
            at = until;
        }
        if (none)
            return;
        struct segment g = v->ours[i];
        g.start = at;
        g.end = align_up(g.end, page) < m->end ? align_up(g.end, page) : m->end;
        g.mapped = g.end - g.start;
        if (g.end > g.start)
            layout_add(v, &g);
        at = g.end > at ? g.end : at;
    }
}

static void layout_collect(struct layout_view *v)
{
    const struct source *s = &v->n->source;
    size_t next = 0;
    layout_program(v);
    layout_ours(v);
    for (size_t i = 0; i < s->map_count; i++)
        layout_cut(v, &s->maps[i], &next);
}

/* --- drawing ---------------------------------------------------------------- */

/* Boxes have all the room there is, and what stood beside them is in them. */
static bool layout_is_tight(const struct draw *d)
{
    return d->limit != 0 && d->limit < BOX_TIGHT;
}

/* Of a box: narrow ones leave room for two lines behind them. */
static unsigned layout_width(const struct draw *d)
{
    if (layout_is_tight(d))
        return d->limit - BOX_EDGES;
    return d->limit != 0 && d->limit < BOX_COLUMNS ? BOX_NARROW : BOX;
}

static void layout_edge(struct draw *d, uint64_t address, const char *note)
{
    static const char *const dash[] = {"-", "\xe2\x94\x80"};
    fprintf(d->out, "%#18llx %s", (unsigned long long)address,
            d->unicode ? "\xe2\x94\x9c" : "+");
    for (unsigned i = 0; i < layout_width(d); i++)
        fputs(dash[d->unicode], d->out);
    bool tight = layout_is_tight(d);
    fprintf(d->out, "%s%s%s\n", d->unicode ? "\xe2\x94\xa4" : "+",
            tight || note[0] == '\0' ? "" : "  ", tight ? "" : note);
}

/* Bytes of the first `room` columns. */
static size_t layout_cut_at(const char *text, size_t room)
{
    size_t size = 0, columns = 0;
    for (; text[size] != '\0'; size++)
        if (((unsigned char)text[size] & 0xc0) != 0x80 && columns++ == room)
            break;
    return size;
}

/* How much of a text fits into `room` columns, up to a gap between words if it can be. */
static size_t layout_fit(const char *text, size_t room)
{
    size_t size = 0, columns = 0, gap = 0;
    for (; text[size] != '\0'; size++) {
        if (text[size] == ' ' && wrap_is_gap(text + size, text))
            gap = size;
        if (((unsigned char)text[size] & 0xc0) != 0x80 && columns++ == room)
            return gap != 0 ? gap : size; /* UTF-8 sequences are cut whole */
    }
    return size;
}

static size_t layout_rest(const char *text, size_t fit)
{
    return fit + (text[fit] == ' ');
}

/* A box with a text in it and one beside it; narrow ones have as many lines as they need,
 * in others the text is cut. */
static void layout_box(struct draw *d, enum tint t, const char *text, const char *side)
{
    if (layout_is_tight(d) && side[0] != '\0') {
        layout_box(d, t, text, "");
        text = side;
        side = "";
        t = TINT_NONE;
    }
    const char *bar = d->unicode ? "\xe2\x94\x82" : "|";
    unsigned width = layout_width(d) - 2, columns = 0;
    bool narrow = width < BOX - 2;
    size_t room =
        narrow && d->limit > width + BOX_MORE ? d->limit - width - BOX_MORE : SIZE_MAX;
    size_t fit = layout_fit(text, width), beside = layout_fit(side, room);
    if (!narrow && text[fit] != '\0')
        fit = layout_cut_at(text, width);
    for (size_t i = 0; i < fit; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    fprintf(d->out, "%18s %s ", "", bar);
    draw_tint(d, t);
    fprintf(d->out, "%.*s", (int)fit, text);
    draw_tint(d, TINT_NONE);
    fprintf(d->out, "%*s %s%s%.*s\n", (int)(width - columns), "", bar,
            beside == 0 ? "" : "  ", (int)beside, side);
    if (narrow && (text[fit] != '\0' || side[beside] != '\0'))
        layout_box(d, t, text + layout_rest(text, fit),
                   side + layout_rest(side, beside));
}

static enum tint layout_tint(enum part p)
{
    return p == PART_HEAP || p == PART_BLOCK || p == PART_GUARD ? TINT_LIVE
           : p == PART_META                                     ? TINT_CACHED
           : p == PART_SPARE || p == PART_RESERVED              ? TINT_DIM
                                                                : TINT_NONE;
}

/* A core does not say what was resident, a snapshot says it of what is Chunky's. */
static bool layout_knows(const struct layout_view *v, const struct segment *g)
{
    const struct source *s = &v->n->source;
    return s->run != NULL && (s->kind != SOURCE_SNAPSHOT || g->part >= PART_HEAP);
}

static void layout_segment(struct draw *d, const struct segment *g, bool has_resident)
{
    char side[128], size[2][SIZE_TEXT];
    static const char *const hint[] = {
        [PART_STACK] = "; grows down",
        [PART_HEAP] = "; grows up",
        [PART_META] = "",
    };
    const char *more = g->part < sizeof hint / sizeof hint[0] && hint[g->part] != NULL
                           ? hint[g->part]
                           : "";
    char count[32] = "";
    if (g->count > 1)
        snprintf(count, sizeof count, " in %u mappings", g->count);
    if (has_resident)
        snprintf(side, sizeof side, "%s%s, %s resident%s",
                 text_size(size[0], g->mapped), count, text_size(size[1], g->resident),
                 more);
    else
        snprintf(side, sizeof side, "%s%s%s", text_size(size[0], g->mapped), count,
                 more);
    layout_box(d, layout_tint(g->part), g->label, side);
}

static void layout_print(struct layout_view *v)
{
    struct draw *d = &v->n->draw;
    char size[SIZE_TEXT], gap[64];
    fprintf(d->out, "%s, pages of %llu bytes\n  high addresses\n", v->n->source.title,
            (unsigned long long)v->n->scan.walk->page);
    for (size_t i = v->count; i-- > 0;) {
        const struct segment *g = &v->all[i];
        const char *note = g->has_break ? "<-- the program break" : "";
        layout_edge(d, g->end, note);
        if (layout_is_tight(d) && g->has_break)
            layout_box(d, TINT_NONE, note, "");
        layout_segment(d, g, layout_knows(v, g));
        if (i == 0 || v->all[i - 1].end != g->start) {
            uint64_t below = i == 0 ? 0 : v->all[i - 1].end;
            layout_edge(d, g->start, "");
            if (g->start > INT64_MAX)
                snprintf(gap, sizeof gap, ". . .  %s",
                         layout_width(d) == BOX ? "addresses of the kernel"
                                                : "the kernel's");
            else
                snprintf(gap, sizeof gap, ". . .  gap of %s",
                         text_size(size, g->start - below));
            layout_box(d, TINT_DIM, gap,
                       i == 0 ? "nothing is mapped at 0: null pointers fault" : "");
        }
    }
    layout_edge(d, 0, "");
    fprintf(d->out, "  low addresses\n");
}

static void layout_json(struct layout_view *v)
{
    static const char *const part[] = {
        "text",   "rodata", "data",     "bss",   "file",   "anonymous", "stack",
        "kernel", "heap",   "reserved", "spare", "mapped", "metadata",  "guard"};
    FILE *out = v->n->out;
    fprintf(out, "{\"schema\":\"chunky-layout/1\",\"page\":%llu,\"segments\":[",
            (unsigned long long)v->n->scan.walk->page);
    for (size_t i = 0; i < v->count; i++) {
        const struct segment *g = &v->all[i];
        fprintf(out, "%s\n{\"start\":", i == 0 ? "" : ",");
        json_address(out, g->start);
        fprintf(out, ",\"end\":");
        json_address(out, g->end);
        fprintf(out, ",\"part\":\"%s\",\"label\":", part[g->part]);
        json_string(out, g->label);
        fprintf(out, ",\"mappings\":%u,\"bytes\":%llu", g->count,
                (unsigned long long)g->mapped);
        if (layout_knows(v, g))
            fprintf(out, ",\"resident\":%llu", (unsigned long long)g->resident);
        fprintf(out, ",\"chunky\":%s}", g->part >= PART_HEAP ? "true" : "false");
    }
    fprintf(out, "]}\n");
}

void show_layout(struct session *n)
{
    struct layout_view v = {.n = n};
    layout_collect(&v);
    layout_print(&v);
    free(v.ours);
    free(v.all);
}

enum status cmd_layout(struct options *o)
{
    struct session n;
    enum status status = session_open(&n, o);
    if (status != STATUS_OK)
        return status;
    struct layout_view v = {.n = &n};
    layout_collect(&v);
    if (options_want(o, "json"))
        layout_json(&v);
    else
        layout_print(&v);
    free(v.ours);
    free(v.all);
    return session_close(&n, STATUS_OK);
}
