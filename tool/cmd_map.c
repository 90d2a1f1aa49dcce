/* chunky map: the grid of cells. No state. */
#include "draw.h"
#include "show.h"
#include "text.h"

static void map_title(struct draw *d, const struct scan *s, const struct scan_heap *h)
{
    char size[SIZE_TEXT];
    fprintf(d->out, "arena %u%s  heap 0x%llx  %s\n", s->arenas[h->arena].a.index,
            h->is_main ? " (break)" : "", (unsigned long long)h->h.start,
            text_size(size, h->h.end - h->h.start));
}

static void map_mappings(struct draw *d, const struct scan *s, unsigned limit)
{
    char size[SIZE_TEXT];
    if (s->mapped_count == 0)
        return;
    fprintf(d->out, "mapped chunks (%zu)\n", s->mapped_count);
    for (size_t i = 0; i < s->mapped_count && i < limit; i++) {
        const struct walk_mapped *m = &s->mapped[i].m;
        fprintf(d->out, "  0x%llx  %s%s\n", (unsigned long long)m->start,
                text_size(size, m->length), s->mapped[i].is_kept ? "  kept, free" : "");
    }
    if (s->mapped_count > limit)
        fprintf(d->out, "  and %zu more (--limit)\n", s->mapped_count - limit);
}

static bool map_is_wanted(const struct options *o, const struct scan *s,
                          const struct scan_heap *h)
{
    return o->arena < 0 || s->arenas[h->arena].a.index == (uint32_t)o->arena;
}

enum status cmd_map(struct options *o)
{
    struct source source;
    struct scan scan;
    struct draw d;
    uint64_t extent = 0;
    enum status status = options_open(o, &source);
    if (status != STATUS_OK || !scan_open(&scan, &source)) {
        source_close(&source);
        return status != STATUS_OK ? status : STATUS_DAMAGED;
    }
    draw_open(&d, stdout, o);
    for (size_t i = 0; i < scan.heap_count; i++)
        if (map_is_wanted(o, &scan, &scan.heaps[i]))
            extent += scan.heaps[i].h.end - scan.heaps[i].h.start;
    uint64_t cell = o->cell != 0 ? o->cell : map_cell_for(extent);
    fprintf(d.out, "%s\n", source.title);
    map_legend(&d, cell);
    for (size_t i = 0; i < scan.heap_count; i++) {
        if (!map_is_wanted(o, &scan, &scan.heaps[i]))
            continue;
        map_title(&d, &scan, &scan.heaps[i]);
        map_heap(&d, &scan, &scan.heaps[i], cell);
        fflush(d.out);
    }
    if (o->arena < 0)
        map_mappings(&d, &scan, o->limit != 0 ? o->limit : 20);
    scan_settle(&scan);
    struct survey none = {.scan = &scan};
    show_notes(&d, &none);
    status = show_result(&d, &scan);
    scan_close(&scan);
    source_close(&source);
    return status;
}
