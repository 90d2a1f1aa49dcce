/* chunky what: one address explained to a person. No state. */
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>

static const char *what_state(enum kind k)
{
    static const char *const text[KINDS] = {
        [KIND_LIVE] = "in use",
        [KIND_CACHED] = "free, in a thread's cache",
        [KIND_DEPOT] = "free, in a magazine of the depot",
        [KIND_REMOTE] = "free, waiting in the remote list",
        [KIND_RESTING] = "free, in quarantine: nobody may write to it until it leaves",
        [KIND_MOVING] = "free, on its way between lists (or just being handed out)",
        [KIND_FAST] = "free, in a fast bin, not merged yet",
        [KIND_UNSORTED] = "free, in the unsorted bin",
        [KIND_SMALL] = "free, in a small bin",
        [KIND_LARGE] = "free, in a large bin",
        [KIND_TOP] = "the top: free space that the heap's next blocks are cut from",
        [KIND_FENCE] = "the fence that ends the heap",
        [KIND_MAPPED] = "in use, in a mapping of its own",
        [KIND_KEPT] = "a freed mapping, kept for the next request of its size",
        [KIND_GUARDED] = "in use, between guard pages",
        [KIND_BARRED] = "freed, its pages barred",
        [KIND_BROKEN] = "BROKEN: no header of Chunky's stands here",
    };
    return text[k];
}

static void what_neighbour(struct session *n, const char *where, bool has,
                           const struct block *b)
{
    char name[NAME_TEXT];
    if (has)
        fprintf(n->out, "  %s it  %s  size 0x%llx, %s\n", where,
                scan_name(&n->scan, name, b->address), (unsigned long long)b->size,
                what_state(b->kind));
}

/* Chunks that touch one page. */
struct page_sum {
    uint64_t from, to;
    uint64_t live, live_bytes, cached, free;
};

static bool page_visit(void *context, const struct block *b)
{
    struct page_sum *p = context;
    uint64_t end = b->address + b->size;
    if (end <= p->from)
        return true;
    if (b->address >= p->to)
        return false;
    uint64_t from = b->address > p->from ? b->address : p->from;
    uint64_t part = (end < p->to ? end : p->to) - from;
    if (b->kind == KIND_LIVE) {
        p->live++;
        p->live_bytes += part;
    } else if (kind_is_cached(b->kind) || b->kind == KIND_FAST) {
        p->cached += part;
    } else {
        p->free += part;
    }
    return true;
}

/* Why the page of the address is, or is not, resident. */
static void what_page(struct session *n, struct around *a)
{
    uint64_t page = n->scan.walk->page;
    struct page_sum p = {.from = a->page};
    p.to = p.from + page;
    if (n->source.run == NULL)
        return;
    bool resident = source_resident(&n->source, p.from, p.to) != 0;
    fprintf(n->out, "  its page  0x%llx is %s: ", (unsigned long long)p.from,
            resident ? "resident" : "not resident");
    if (a->heap == NULL) {
        fprintf(n->out, "%s\n",
                resident ? "the program touched it, or it came back from a kept mapping"
                         : "nobody has touched it since it was mapped");
        return;
    }
    scan_part(&n->scan, scan_heap_of(&n->scan, a->wanted), a->page_chunk, p.to,
              page_visit, &p);
    if (!resident)
        fprintf(n->out, "%s\n",
                p.live != 0 ? "nobody has touched this part of the block"
                            : "it is wholly free, and was purged or never touched");
    else if (p.live != 0)
        fprintf(n->out, "%llu block%s in use lie%s in it (%llu of %llu bytes)\n",
                (unsigned long long)p.live, p.live == 1 ? "" : "s",
                p.live == 1 ? "s" : "", (unsigned long long)p.live_bytes,
                (unsigned long long)page);
    else if (p.cached > p.free)
        fprintf(n->out, "free, but its blocks are cached for quick reuse\n");
    else
        fprintf(n->out, "free, below the budget of pages that are kept for reuse\n");
}

static void what_list(struct session *n, const struct block *b)
{
    struct listed l;
    listed_find(&n->scan, b, &l);
    if (l.place != 0)
        fprintf(n->out, "  listed    %s, %llu of %llu\n", l.name,
                (unsigned long long)l.place, (unsigned long long)l.length);
    else if (l.wrong != NULL)
        fprintf(n->out, "  listed    not met in %s, which leads to %s: chunky check\n",
                l.name, l.wrong);
    else if (l.name[0] != '\0')
        fprintf(n->out, "  listed    should be in %s, and is not\n", l.name);
}

static void what_place(struct session *n, const struct around *a, const struct block *b)
{
    char name[2][NAME_TEXT];
    uint64_t mem = b->address + CHUNK_HEADER;
    bool mapped = b->heap == NULL;
    uint64_t usable = b->size - (mapped ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD);
    unsigned long long address = a->wanted;
    fprintf(n->out, "0x%llx  %s  ", address, scan_name(&n->scan, name[0], a->wanted));
    if (b->kind == KIND_BROKEN || b->kind == KIND_FENCE || b->kind == KIND_TOP)
        fprintf(n->out, "%s\n", what_state(b->kind));
    else if (a->wanted < mem)
        fprintf(n->out, "the header of a block, %s\n", what_state(b->kind));
    else
        fprintf(n->out, "byte %llu of a block, %s\n", address - mem,
                what_state(b->kind));
    fprintf(n->out, "  chunk     0x%llx  %s  size 0x%llx",
            (unsigned long long)b->address, scan_name(&n->scan, name[1], b->address),
            (unsigned long long)b->size);
    if (b->kind == KIND_LIVE || b->kind == KIND_MAPPED) {
        fprintf(n->out, ", block at 0x%llx, ", (unsigned long long)mem);
        if (b->recorded)
            fprintf(n->out, "asked %llu, ", (unsigned long long)b->request);
        fprintf(n->out, "usable %llu", (unsigned long long)usable);
    }
    fprintf(n->out, "\n");
    if (!mapped && b->kind != KIND_BROKEN)
        fprintf(n->out, "  flags     P %s: the chunk before it is %s\n",
                (b->flags & PREV_INUSE) != 0 ? "set" : "clear",
                (b->flags & PREV_INUSE) != 0 ? "not in a bin" : "free and binned");
    char title[TITLE_TEXT] = "";
    uint64_t owner = heap_owner(&n->scan, b);
    if (owner != 0 && heap_title(n->scan.walk, owner, title)[0] != '\0')
        fprintf(n->out, "  of heap   \"%s\"\n", title);
}

/* Where an address is that belongs to no chunk. */
static void what_elsewhere(struct session *n, uint64_t address)
{
    const struct scan *s = &n->scan;
    const struct map *m = source_map_of(&n->source, address);
    const struct scan_heap *h = scan_heap_of(s, address);
    const char *what = "in no mapping: to touch it would be a fault";
    char *shown = NULL;
    for (size_t i = 0; i < s->meta_count; i++)
        if (address - s->meta[i].start < s->meta[i].end - s->meta[i].start)
            what = "in Chunky's own metadata";
    for (size_t i = 0; i < s->spare_count; i++)
        if (address - s->spare[i].start < s->spare[i].end - s->spare[i].start)
            what = "in a spare heap that no arena uses now";
    if (h != NULL && address >= h->h.end)
        what = "in the part of a heap that is reserved and not committed yet";
    else if (h != NULL)
        what = "in the head of a heap, before its first chunk";
    else if (m != NULL && what[3] == 'n') {
        shown = text_printable(m->name[0] == '\0' ? "an anonymous mapping" : m->name);
        what = shown;
    }
    fprintf(n->out, "0x%llx  not in a block of Chunky's: %s\n",
            (unsigned long long)address, what);
    free(shown);
}

static void what_json(struct session *n, const struct around *a, const struct listed *l)
{
    char name[NAME_TEXT];
    const struct block *b = &a->at;
    fprintf(n->out, "{\"schema\":\"chunky-what/1\",\"address\":");
    json_address(n->out, a->wanted);
    if (!a->has_at) {
        fprintf(n->out, ",\"chunk\":null}\n");
        return;
    }
    fprintf(n->out, ",\"chunk\":");
    json_address(n->out, b->address);
    fprintf(
        n->out,
        ",\"name\":\"%s\",\"size\":%llu,\"state\":\"%s\",\"offset\":%lld,\"asked\":",
        scan_name(&n->scan, name, b->address), (unsigned long long)b->size,
        kind_name(b->kind), (long long)(a->wanted - b->address - CHUNK_HEADER));
    if (b->recorded)
        fprintf(n->out, "%llu", (unsigned long long)b->request);
    else
        fprintf(n->out, "null");
    if (l->place != 0)
        fprintf(n->out, ",\"list\":\"%s\",\"place\":%llu,\"length\":%llu", l->name,
                (unsigned long long)l->place, (unsigned long long)l->length);
    const struct block *side[2] = {a->has_prev ? &a->prev : NULL,
                                   a->has_next ? &a->next : NULL};
    for (unsigned i = 0; i < 2; i++) {
        fprintf(n->out, ",\"%s\":", i == 0 ? "before" : "behind");
        if (side[i] == NULL) {
            fprintf(n->out, "null");
            continue;
        }
        fprintf(n->out, "{\"chunk\":");
        json_address(n->out, side[i]->address);
        fprintf(n->out, ",\"size\":%llu,\"state\":\"%s\"}",
                (unsigned long long)side[i]->size, kind_name(side[i]->kind));
    }
    fprintf(n->out, "}\n");
}

static void what_one(struct session *n, uint64_t address)
{
    struct around a;
    struct listed l = {.place = 0};
    if (scan_guard_has(&n->scan, address)) {
        what_guard(n, address);
        return;
    }
    bool found = around_find(&n->scan, address, &a);
    a.wanted = address;
    if (options_want(n->options, "json")) {
        if (found)
            listed_find(&n->scan, &a.at, &l);
        what_json(n, &a, &l);
        return;
    }
    if (!found) {
        what_elsewhere(n, address);
        return;
    }
    what_place(n, &a, &a.at);
    what_list(n, &a.at);
    what_neighbour(n, "before", a.has_prev, &a.prev);
    what_neighbour(n, "behind", a.has_next, &a.next);
    what_page(n, &a);
    if (n->options->wants_hex)
        show_hex(&n->draw, &n->source, a.at.address,
                 min_size(a.at.size, n->options->hex != 0 ? n->options->hex : 64));
}

/* Several as JSON are one array, so all of them are understood first. */
static enum status what_all(struct session *n)
{
    const struct options *o = n->options;
    enum status status = STATUS_OK;
    uint64_t *address = take((size_t)o->operands * sizeof *address);
    bool array = o->operands > 1 && options_want(o, "json");
    for (int i = 0; i < o->operands && status == STATUS_OK; i++)
        if (!session_address(n, o->operand[i], &address[i]))
            status = STATUS_USAGE;
    if (status == STATUS_OK)
        session_start(n);
    for (int i = 0; i < o->operands && status == STATUS_OK; i++) {
        if (array)
            fputc(i == 0 ? '[' : ',', n->out);
        what_one(n, address[i]);
    }
    if (array && status == STATUS_OK)
        fputs("]\n", n->out);
    free(address);
    return status;
}

enum status cmd_what(struct options *o)
{
    struct session n;
    if ((o->source != NULL || o->command != NULL) && o->operands == 0)
        return complain(STATUS_USAGE, "what is where? chunky what SOURCE ADDRESS");
    if (o->wants_hex && !options_want(o, "text"))
        return complain(STATUS_USAGE, "--hex is for the format text");
    enum status status = session_open_late(&n, o);
    return status == STATUS_OK ? session_close(&n, what_all(&n)) : status;
}
