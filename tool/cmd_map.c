/* chunky map: the grid of cells. No state. */
#include "map_twin.h"
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>

static void map_title(struct session *n, const struct scan_heap *h)
{
    char size[SIZE_TEXT], name[NAME_TEXT], title[TITLE_TEXT];
    heap_title(n->scan.walk, n->scan.arenas[h->arena].a.address, title);
    if (title[0] != '\0')
        fprintf(n->out, "heap \"%s\": ", title);
    fprintf(n->out, "arena %u%s  %s = 0x%llx  %s\n", n->scan.arenas[h->arena].a.index,
            scan_heap_is_spanned(h) ? "" : " (break)",
            scan_name(&n->scan, name, h->h.first), (unsigned long long)h->h.first,
            text_size(size, h->h.end - h->h.start));
}

static void map_mappings(struct session *n, unsigned limit)
{
    char size[SIZE_TEXT];
    const struct scan *s = &n->scan;
    if (s->mapped_count == 0)
        return;
    fprintf(n->out, "mapped chunks (%zu)\n", s->mapped_count);
    for (size_t i = 0; i < s->mapped_count && i < limit; i++) {
        const struct walk_mapped *m = &s->mapped[i].m;
        fprintf(n->out, "  0x%llx  %s%s\n", (unsigned long long)m->start,
                text_size(size, m->length), s->mapped[i].is_kept ? "  kept, free" : "");
    }
    if (s->mapped_count > limit)
        fprintf(n->out, "  and %zu more (--limit)\n", s->mapped_count - limit);
}

static bool map_is_wanted(const struct session *n, const struct map_style *style,
                          const struct scan_heap *h)
{
    const struct options *o = n->options;
    if (o->arena >= 0 && n->scan.arenas[h->arena].a.index != (uint32_t)o->arena)
        return false;
    return style->to == 0 || (h->h.start < style->to && h->h.end > style->from);
}

/* Mappings are drawn where an address or a range says so; else they are listed. */
static bool map_is_wanted_mapped(const struct session *n, const struct map_style *style,
                                 const struct scan_mapped *m)
{
    return style->to != 0 && n->options->arena < 0 && m->m.start < style->to &&
           m->m.start + m->m.length > style->from;
}

static bool map_wants_guards(const struct session *n, const struct map_style *style)
{
    const struct region *area = &n->scan.guard_area;
    return style->to == 0 ? n->options->arena < 0
                          : style->from < area->end && style->to > area->start;
}

/* Bytes that are drawn of heaps and mappings. */
static uint64_t map_extent(const struct session *n, const struct map_style *style)
{
    const struct scan *s = &n->scan;
    uint64_t extent = 0;
    for (size_t i = 0; i < s->heap_count; i++)
        if (map_is_wanted(n, style, &s->heaps[i]))
            extent += s->heaps[i].h.end - s->heaps[i].h.start;
    for (size_t i = 0; i < s->mapped_count; i++)
        if (map_is_wanted_mapped(n, style, &s->mapped[i]))
            extent += s->mapped[i].m.length;
    return style->to != 0 && extent > style->to - style->from ? style->to - style->from
                                                              : extent;
}

/* "ADDRESS" is the page around it; "A-B" a range. */
static bool map_range(struct session *n, struct map_style *style)
{
    const struct options *o = n->options;
    const char *text = o->range != NULL   ? o->range
                       : o->operands != 0 ? o->operand[0]
                                          : NULL;
    char left[64];
    if (text == NULL)
        return true;
    if (text == o->range && o->operands != 0) {
        complain(STATUS_USAGE, "map draws one place: an ADDRESS or --range");
        return false;
    }
    const char *dash = strchr(text, '-');
    snprintf(left, sizeof left, "%.*s", dash == NULL ? 63 : (int)(dash - text), text);
    if (!session_address(n, left, &style->from) ||
        (dash != NULL && !session_address(n, dash + 1, &style->to)))
        return false;
    uint64_t asked = style->from;
    if (dash == NULL) {
        const struct scan_heap *h = scan_heap_of(&n->scan, style->from);
        uint64_t base = h == NULL ? 0 : h->h.first; /* a mapping begins with a page */
        style->from = base + align_down(style->from - base, 4096);
        style->to = style->from + min_size(4096, UINT64_MAX - style->from);
    }
    if (dash != NULL && style->to <= style->from) {
        complain(STATUS_USAGE, "a range goes from a lower to a higher address");
        return false;
    }
    if (map_extent(n, style) == 0 && !map_wants_guards(n, style)) {
        session_has_not(asked);
        return false;
    }
    return true;
}

static void map_draw_mapped(struct session *n, const struct map_style *style)
{
    char name[NAME_TEXT], size[SIZE_TEXT];
    struct scan *s = &n->scan;
    for (size_t i = 0; i < s->mapped_count && ferror(n->out) == 0; i++) {
        const struct scan_mapped *m = &s->mapped[i];
        if (!map_is_wanted_mapped(n, style, m))
            continue;
        fprintf(n->out, "%s  %s = 0x%llx  %s\n",
                m->is_kept ? "mapping, kept" : "mapped block",
                scan_name(s, name, m->m.start), (unsigned long long)m->m.start,
                text_size(size, m->m.length));
        map_mapped(&n->draw, s, m, style);
    }
}

static void map_text(struct session *n, const struct map_style *style,
                     struct map_twin *twin)
{
    struct scan *s = &n->scan;
    bool any = map_extent(n, style) != 0;
    fprintf(n->out, "%s\n", n->source.title);
    if (any)
        map_legend(&n->draw, style);
    fflush(n->out);
    for (size_t i = 0; i < s->heap_count && ferror(n->out) == 0; i++) {
        if (!map_is_wanted(n, style, &s->heaps[i]))
            continue;
        map_title(n, &s->heaps[i]);
        map_heap(&n->draw, s, &s->heaps[i], style, twin);
        fflush(n->out);
    }
    if (n->options->arena < 0 && style->to == 0)
        map_mappings(n, n->options->limit != 0 ? n->options->limit : 20);
    map_draw_mapped(n, style);
    if (map_wants_guards(n, style))
        map_guards(&n->draw, s, style->from, style->to);
    if (!any && n->options->arena >= 0)
        fprintf(n->out, "no arena %d has a heap (chunky stats lists them)\n",
                n->options->arena);
    scan_settle(s);
    struct survey none = {.scan = s};
    show_notes(&n->draw, &none);
}

static void map_json(struct session *n, const struct map_style *style,
                     struct map_twin *twin)
{
    struct scan *s = &n->scan;
    bool first = true;
    n->draw.form = FORM_JSON;
    fprintf(n->out, "{\"schema\":\"chunky-map/1\",\"source\":");
    json_string(n->out, n->source.title);
    fprintf(n->out, ",\"cell\":%llu,\"heaps\":[", (unsigned long long)style->cell);
    for (size_t i = 0; i < s->heap_count && ferror(n->out) == 0; i++) {
        const struct scan_heap *h = &s->heaps[i];
        if (!map_is_wanted(n, style, h))
            continue;
        fprintf(n->out, "%s{\"arena\":%u,\"base\":", first ? "" : ",",
                s->arenas[h->arena].a.index);
        json_address(n->out, map_base(h, style->cell));
        fprintf(n->out, ",\"end\":");
        json_address(n->out, h->h.end);
        fprintf(n->out, ",\"rows\":[");
        n->draw.has_rows = false;
        map_heap(&n->draw, s, &s->heaps[i], style, twin);
        fprintf(n->out, "]}");
        first = false;
    }
    fprintf(n->out, "],\"mapped\":[");
    for (size_t i = 0; i < s->mapped_count; i++) {
        fprintf(n->out, "%s{\"start\":", i == 0 ? "" : ",");
        json_address(n->out, s->mapped[i].m.start);
        fprintf(n->out, ",\"bytes\":%llu,\"kept\":%s",
                (unsigned long long)s->mapped[i].m.length,
                s->mapped[i].is_kept ? "true" : "false");
        if (map_is_wanted_mapped(n, style, &s->mapped[i])) {
            fprintf(n->out, ",\"rows\":[");
            n->draw.has_rows = false;
            map_mapped(&n->draw, s, &s->mapped[i], style);
            fputc(']', n->out);
        }
        fputc('}', n->out);
    }
    fprintf(n->out, "],\"guarded\":[");
    for (size_t i = 0; i < s->guard_count; i++) {
        fprintf(n->out, "%s{\"start\":", i == 0 ? "" : ",");
        json_address(n->out, s->guards[i].from);
        fprintf(n->out, ",\"bytes\":%llu,\"asked\":%llu,\"freed\":%s}",
                (unsigned long long)(s->guards[i].to - s->guards[i].from),
                (unsigned long long)s->guards[i].bytes,
                s->guards[i].is_live ? "false" : "true");
    }
    fprintf(n->out, "]}\n");
    scan_settle(s);
}

static void svg_title(FILE *out, struct draw *d, const char *what, uint64_t at)
{
    fprintf(out, "<text x=\"0\" y=\"%u\" font-weight=\"bold\">%s, 0x%llx</text>\n",
            d->svg_y * 12 + 10, what, (unsigned long long)at);
    d->svg_y++;
}

static void map_svg(struct session *n, const struct map_style *style,
                    struct map_twin *twin)
{
    struct scan *s = &n->scan;
    char *body = NULL, arena[32];
    size_t size = 0;
    FILE *memory = must(open_memstream(&body, &size));
    n->draw.form = FORM_SVG;
    n->draw.out = memory;
    for (size_t i = 0; i < s->heap_count; i++) {
        if (!map_is_wanted(n, style, &s->heaps[i]))
            continue;
        snprintf(arena, sizeof arena, "arena %u", s->arenas[s->heaps[i].arena].a.index);
        svg_title(memory, &n->draw, arena, s->heaps[i].h.start);
        map_heap(&n->draw, s, &s->heaps[i], style, twin);
    }
    for (size_t i = 0; i < s->mapped_count; i++) {
        if (!map_is_wanted_mapped(n, style, &s->mapped[i]))
            continue;
        svg_title(memory, &n->draw, "mapped", s->mapped[i].m.start);
        map_mapped(&n->draw, s, &s->mapped[i], style);
    }
    fclose(memory);
    n->draw.out = n->out;
    svg_page(n->out, n->source.title, body, n->draw.svg_y, n->draw.cells);
    free(body);
    scan_settle(s);
}

static enum status map_boxes(struct session *n, const struct map_style *style)
{
    struct scan *s = &n->scan;
    struct scan_heap *h = NULL, mapped;
    for (size_t i = 0; i < s->heap_count && h == NULL; i++)
        if (map_is_wanted(n, style, &s->heaps[i]))
            h = &s->heaps[i];
    for (size_t i = 0; i < s->mapped_count && h == NULL; i++) {
        mapped = map_as_heap(&s->mapped[i]);
        if (map_is_wanted_mapped(n, style, &s->mapped[i]))
            h = &mapped;
    }
    if (h == NULL) {
        fprintf(n->out, "%s\nno heap lies there\n", n->source.title);
        return STATUS_OK;
    }
    uint64_t page = style->from != 0 ? style->from : h->h.first;
    fprintf(n->out, "%s\n0x%llx: one box is one byte; %s starts a chunk's header\n",
            n->source.title, (unsigned long long)page,
            n->draw.unicode ? "a double left edge" : "[ as its left edge");
    struct map_style fine = {.cell = 1};
    map_legend(&n->draw, &fine);
    map_art(&n->draw, s, h, h == &mapped, page);
    return STATUS_OK;
}

enum status cmd_map(struct options *o)
{
    struct session n;
    struct map_style style = {.marks_resident = o->resident};
    if (o->art && !options_want(o, "text") && !options_want(o, "html"))
        return complain(STATUS_USAGE, "--art is drawn as text or html");
    enum status status = session_open_late(&n, o);
    if (status != STATUS_OK)
        return status;
    style.color_by = strcmp(o->color_by, "size") == 0    ? MAP_BY_SIZE
                     : strcmp(o->color_by, "arena") == 0 ? MAP_BY_ARENA
                                                         : MAP_BY_STATE;
    style.no_resident = n.source.run == NULL;
    style.most = o->limit;
    if (!map_range(&n, &style))
        return session_close(&n, STATUS_USAGE);
    session_start(&n);
    if (options_want(o, "html"))
        session_page(&n);
    style.cell = o->cell != 0 ? o->cell : map_cell_for(map_extent(&n, &style));
    struct map_twin *twin =
        o->art || o->arena >= 0 ? NULL : map_twin_open(&n.scan, &style);
    if (o->art)
        status = map_boxes(&n, &style);
    else if (options_want(o, "json"))
        map_json(&n, &style, twin);
    else if (options_want(o, "svg"))
        map_svg(&n, &style, twin);
    else
        map_text(&n, &style, twin);
    map_twin_close(twin);
    return session_close(&n, status);
}
