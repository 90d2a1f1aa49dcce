/*
 * chunky bins: every list in its own order, with the links compared both ways and with
 * the chunks' own headers; then the caches of all threads. No state.
 */
#include "follow.h"
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>

enum { BINS_MAX = 1 << 22 /* more caches can only be a loop */ };

static void bins_print(struct session *n, const char *label, const struct list *l,
                       bool ring)
{
    char name[NAME_TEXT], size[SIZE_TEXT];
    const char *arrow = ring ? " <-> " : " -> ";
    fprintf(n->out, "  %-15s head", label);
    for (uint64_t i = 0; i < l->count && i < LIST_MEMBERS; i++)
        fprintf(n->out, "%s%s", arrow, scan_name(&n->scan, name, l->member[i]));
    if (l->count > LIST_MEMBERS)
        fprintf(n->out, "%s... %llu more", arrow,
                (unsigned long long)l->count - LIST_MEMBERS);
    if (l->wrong == NULL) {
        fprintf(n->out, "%s%s   %llu, %s\n", arrow, ring ? "head" : "end",
                (unsigned long long)l->count, text_size(size, l->size));
        return;
    }
    fprintf(n->out, "\n    ");
    draw_text(&n->draw, TINT_BAD, "!");
    if (l->is_one_sided)
        fprintf(n->out, " %s.fd->bk = 0x%llx", scan_name(&n->scan, name, l->broken),
                (unsigned long long)l->says);
    else
        fprintf(n->out, " leads to %s", l->wrong);
    if (l->is_one_sided)
        fprintf(n->out, ", expected 0x%llx\n", (unsigned long long)l->broken);
    else
        fprintf(n->out, " at 0x%llx\n", (unsigned long long)l->broken);
}

/* Before each list of the JSON: one a line. */
static const char *bins_comma(struct session *n)
{
    const char *comma = n->draw.has_rows ? ",\n" : "\n";
    n->draw.has_rows = true;
    return comma;
}

static void bins_json(struct session *n, unsigned arena, const char *label,
                      const struct list *l)
{
    fprintf(
        n->out,
        "%s{\"arena\":%u,\"list\":\"%s\",\"count\":%llu,\"bytes\":%llu,\"sound\":%s}",
        bins_comma(n), arena, label, (unsigned long long)l->count,
        (unsigned long long)l->size, l->wrong == NULL ? "true" : "false");
}

struct bins_run {
    struct session *n;
    unsigned arena, lines, limit;
    bool wrong, any;
};

static void bins_list(struct bins_run *r, const struct list *l)
{
    char label[LIST_LABEL];
    list_label(l, label);
    r->wrong = r->wrong || l->wrong != NULL;
    if (options_want(r->n->options, "json"))
        bins_json(r->n, r->arena, label, l);
    else if (r->lines++ < r->limit || l->wrong != NULL)
        bins_print(r->n, label, l, l->kind != KIND_FAST);
}

static void bins_arena(struct bins_run *r, const struct walk_arena *a)
{
    size_t count;
    bool text = !options_want(r->n->options, "json");
    r->any = true;
    r->arena = a->index;
    r->lines = 0;
    if (text)
        fprintf(r->n->out, "arena %u\n", a->index);
    struct list *list = follow_lists(r->n->scan.walk, a, &count);
    follow_all(&r->n->scan, a, list, count);
    for (size_t i = 0; i < count; i++)
        bins_list(r, &list[i]);
    free(list);
    if (text && r->lines > r->limit)
        fprintf(r->n->out, "  and %u more lists (--all)\n", r->lines - r->limit);
    if (text && r->lines == 0)
        fprintf(r->n->out, "  all bins are empty\n");
}

/* One thread's stacks; with --all class by class. */
static void bins_cache(struct session *n, const struct walk_cache *k)
{
    struct walk *w = n->scan.walk;
    uint64_t total = 0, bytes = 0;
    char size[2][SIZE_TEXT], name[NAME_TEXT];
    bool json = options_want(n->options, "json");
    for (unsigned class = 1; class < w->root.class_count; class ++) {
        struct walk_stack t;
        if (!walk_read_stack(w, k->address, class, &t) || t.base == 0 ||
            t.top <= t.base || t.top - t.base > 8 * (uint64_t)t.room)
            continue;
        uint64_t count = (t.top - t.base) / 8, newest = walk_word(w, t.top - 8);
        total += count;
        bytes += count * w->class_size[class];
        if (n->options->all && !json)
            fprintf(n->out, "    class 0x%-6x %5llu of %u, next out %s\n",
                    w->class_size[class], (unsigned long long)count, t.allowed,
                    scan_name(&n->scan, name, newest - CHUNK_HEADER));
    }
    if (json)
        fprintf(n->out,
                "%s{\"thread\":%u,\"list\":\"cache\",\"count\":%llu,\"bytes\":%llu}",
                bins_comma(n), k->thread, (unsigned long long)total,
                (unsigned long long)bytes);
    else
        fprintf(n->out, "  thread %-9u %6llu chunks, %s; may hold %s\n", k->thread,
                (unsigned long long)total, text_size(size[0], bytes),
                text_size(size[1], k->capacity));
}

static void bins_depot(struct session *n, const struct walk_arena *a)
{
    char size[2][SIZE_TEXT];
    if (options_want(n->options, "json"))
        fprintf(n->out,
                "%s{\"arena\":%u,\"list\":\"depot\",\"bytes\":%llu},\n"
                "{\"arena\":%u,\"list\":\"remote\",\"bytes\":%llu}",
                bins_comma(n), a->index, (unsigned long long)a->depot_bytes, a->index,
                (unsigned long long)a->remote_bytes);
    else
        fprintf(n->out, "  depot of arena %-3u %s; remote list %s\n", a->index,
                text_size(size[0], a->depot_bytes),
                text_size(size[1], a->remote_bytes));
}

enum status cmd_bins(struct options *o)
{
    struct session n;
    struct walk_cache k;
    enum status status = session_open(&n, o);
    if (status != STATUS_OK)
        return status;
    struct bins_run r = {.n = &n,
                         .limit = o->all          ? UINT32_MAX
                                  : o->limit != 0 ? o->limit
                                                  : 40};
    bool text = !options_want(o, "json");
    if (!text) {
        fprintf(n.out, "{\"schema\":\"chunky-bins/1\",\"source\":");
        json_string(n.out, n.source.title);
        fprintf(n.out, ",\"lists\":[");
    }
    for (size_t i = 0; i < n.scan.arena_count; i++)
        if (o->arena < 0 || n.scan.arenas[i].a.index == (uint32_t)o->arena)
            bins_arena(&r, &n.scan.arenas[i].a);
    if (text && !r.any)
        fprintf(n.out, "no arena %d (chunky stats lists them)\n", o->arena);
    if (text)
        fprintf(n.out, "caches\n");
    uint64_t at = walk_first_cache(n.scan.walk);
    for (unsigned i = 0;
         at != 0 && i < BINS_MAX && walk_read_cache(n.scan.walk, at, &k); i++) {
        bins_cache(&n, &k);
        at = k.next;
    }
    for (size_t i = 0; i < n.scan.arena_count; i++)
        bins_depot(&n, &n.scan.arenas[i].a);
    scan_settle(&n.scan);
    struct survey none = {.scan = &n.scan};
    if (text)
        show_notes(&n.draw, &none);
    else
        fprintf(n.out, "\n]}\n");
    /* A list that changes under the eyes looks torn, not broken. */
    if (r.wrong && !n.source.reader.is_live)
        n.scan.is_damaged = true;
    return session_close(&n, STATUS_OK);
}
