/*
 * chunky bins: every list in its own order, with the links compared both ways and with
 * the chunks' own headers; then the caches of all threads. No state.
 */
#include "follow.h"
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>
#include <time.h>

enum {
    BINS_MAX = 1 << 22, /* more caches can only be a loop */
    BINS_LINES = 40,
    BINS_ROUNDS = 8 /* a busy arena rests for a moment */
};

/* Behind "!": at which chunk, and what stands there. */
static void bins_wrong(struct session *n, const struct list *l)
{
    char name[3][NAME_TEXT];
    const struct scan *s = &n->scan;
    fprintf(n->out, "\n    ");
    draw_text(&n->draw, TINT_BAD, "!");
    if (l->is_one_sided)
        fprintf(n->out, " %s.fd->bk = %s, expected %s\n",
                scan_name(s, name[0], l->broken), scan_name(s, name[1], l->says),
                scan_name(s, name[2], l->broken));
    else
        fprintf(n->out, " leads to %s at %s\n", l->wrong,
                scan_name(s, name[0], l->broken));
}

static void bins_print(struct session *n, const char *label, const struct list *l,
                       bool still)
{
    char name[NAME_TEXT], size[SIZE_TEXT];
    bool ring = l->kind != KIND_FAST;
    const char *arrow = ring ? " <-> " : " -> ";
    fprintf(n->out, "  %-15s head", label);
    for (uint64_t i = 0; i < l->count && i < LIST_MEMBERS; i++)
        fprintf(n->out, "%s%s", arrow, scan_name(&n->scan, name, l->member[i]));
    if (l->count > LIST_MEMBERS)
        fprintf(n->out, "%s... %llu more", arrow,
                (unsigned long long)l->count - LIST_MEMBERS);
    if (l->wrong == NULL)
        fprintf(n->out, "%s%s   %llu, %s\n", arrow, ring ? "head" : "end",
                (unsigned long long)l->count, text_size(size, l->size));
    else if (still)
        bins_wrong(n, l);
    else
        fprintf(n->out, "%s?   changed meanwhile\n", arrow);
}

/* Before each list of the JSON: one a line. */
static const char *bins_comma(struct session *n)
{
    const char *comma = n->draw.has_rows ? ",\n" : "\n";
    n->draw.has_rows = true;
    return comma;
}

/* "sound" is null where an arena changed too fast to say. */
static void bins_json(struct session *n, unsigned arena, const char *label,
                      const struct list *l, bool still)
{
    fprintf(
        n->out,
        "%s{\"arena\":%u,\"list\":\"%s\",\"count\":%llu,\"bytes\":%llu,\"sound\":%s}",
        bins_comma(n), arena, label, (unsigned long long)l->count,
        (unsigned long long)l->size,
        l->wrong == NULL ? "true"
        : still          ? "false"
                         : "null");
}

struct bins_run {
    struct session *n;
    unsigned arena, lines, limit;
    bool wrong, any;
    bool still; /* the arena did not change while its lists were followed */
};

static void bins_list(struct bins_run *r, const struct list *l)
{
    char label[LIST_LABEL];
    list_label(l, label);
    bool wrong = l->wrong != NULL && r->still;
    r->wrong = r->wrong || wrong;
    if (options_want(r->n->options, "json"))
        bins_json(r->n, r->arena, label, l, r->still);
    else if (r->lines++ < r->limit || wrong)
        bins_print(r->n, label, l, r->still);
}

/* Follows the lists of an arena, again if it changed meanwhile; false if it does not hold
 * still. The caller frees them. */
static bool bins_follow(struct session *n, struct walk_arena *a, struct list **list,
                        size_t *count)
{
    struct walk *w = n->scan.walk;
    struct timespec pause = {0, 1000000};
    struct walk_arena now;
    for (unsigned round = 0;; round++) {
        window_forget(w->reader);
        walk_read_arena(w, a->address, a);
        *list = follow_lists(w, a, count);
        follow_all(&n->scan, a, *list, *count);
        window_forget(w->reader);
        bool still = !w->reader->is_live ||
                     (a->generation % 2 == 0 && walk_read_arena(w, a->address, &now) &&
                      now.generation == a->generation);
        if (still || round == BINS_ROUNDS)
            return still;
        free(*list);
        nanosleep(&pause, NULL);
    }
}

static void bins_arena(struct bins_run *r, struct walk_arena *a)
{
    size_t count;
    struct list *list;
    bool text = !options_want(r->n->options, "json");
    r->any = true;
    r->arena = a->index;
    r->lines = 0;
    r->still = bins_follow(r->n, a, &list, &count);
    if (text)
        fprintf(r->n->out, "arena %u%s\n", a->index,
                r->still ? "" : " (changing while it is read)");
    for (size_t i = 0; i < count; i++)
        bins_list(r, &list[i]);
    free(list);
    if (text && r->lines > r->limit)
        fprintf(r->n->out, "  and %u more list%s (%s)\n", r->lines - r->limit,
                text_s(r->lines - r->limit),
                r->n->options->limit != 0 ? "--limit" : "--all");
    if (text && r->lines == 0)
        fprintf(r->n->out, "  all bins are empty\n");
}

/* One thread's stacks; with --all class by class. Sums of the classes' sizes: a chunk that
 * was not worth cutting is a little larger. */
static void bins_cache(struct session *n, const struct walk_cache *k)
{
    struct walk *w = n->scan.walk;
    uint64_t total = 0, bytes = 0;
    char size[2][SIZE_TEXT], name[NAME_TEXT];
    unsigned shown = 0, most = n->options->limit;
    bool json = options_want(n->options, "json");
    for (unsigned class = 1; class < w->root.class_count; class ++) {
        struct walk_stack t;
        if (!walk_read_stack(w, k->address, class, &t) || t.base == 0 ||
            t.top <= t.base || t.top - t.base > 8 * (uint64_t)t.room)
            continue;
        uint64_t count = (t.top - t.base) / 8, newest = walk_word(w, t.top - 8);
        total += count;
        bytes += count * w->class_size[class];
        if (n->options->all && !json && (most == 0 || shown++ < most))
            fprintf(n->out, "    class 0x%-6x %5llu of %u, next out %s\n",
                    w->class_size[class], (unsigned long long)count, t.allowed,
                    scan_name(&n->scan, name, newest - CHUNK_HEADER));
    }
    if (json)
        fprintf(n->out,
                "%s{\"thread\":%u,\"list\":\"cache\",\"count\":%llu,"
                "\"class_bytes\":%llu}",
                bins_comma(n), k->thread, (unsigned long long)total,
                (unsigned long long)bytes);
    else
        fprintf(n->out, "  thread %-9u %6llu chunks, %s; may hold %s\n", k->thread,
                (unsigned long long)total, text_size(size[0], bytes),
                text_size(size[1], k->capacity));
}

static void bins_caches(struct bins_run *r)
{
    struct walk_cache k;
    struct walk *w = r->n->scan.walk;
    unsigned lines = 0;
    bool text = !options_want(r->n->options, "json");
    uint64_t at = walk_first_cache(w);
    for (; at != 0 && lines < BINS_MAX && walk_read_cache(w, at, &k); at = k.next)
        if (lines++ < r->limit || !text)
            bins_cache(r->n, &k);
    if (text && lines > r->limit)
        fprintf(r->n->out, "  and %u more cache%s (%s)\n", lines - r->limit,
                text_s(lines - r->limit),
                r->n->options->limit != 0 ? "--limit" : "--all");
}

static void bins_depot(struct session *n, const struct walk_arena *a)
{
    char size[2][SIZE_TEXT];
    if (options_want(n->options, "json"))
        fprintf(n->out,
                "%s{\"arena\":%u,\"list\":\"depot\",\"class_bytes\":%llu},\n"
                "{\"arena\":%u,\"list\":\"remote\",\"class_bytes\":%llu}",
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
    enum status status = session_open(&n, o);
    if (status != STATUS_OK)
        return status;
    struct bins_run r = {.n = &n,
                         .limit = o->limit != 0 ? o->limit
                                  : o->all      ? UINT32_MAX
                                                : BINS_LINES};
    bool text = !options_want(o, "json");
    if (text) {
        fprintf(n.out, "%s\n", n.source.title);
    } else {
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
    bins_caches(&r);
    for (size_t i = 0; i < n.scan.arena_count; i++)
        bins_depot(&n, &n.scan.arenas[i].a);
    scan_settle(&n.scan);
    struct survey none = {.scan = &n.scan};
    if (text)
        show_notes(&n.draw, &none);
    else
        fprintf(n.out, "\n]}\n");
    if (r.wrong)
        n.scan.is_damaged = true;
    return session_close(&n, STATUS_OK);
}
