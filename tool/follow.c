/* Following lists; see follow.h. State: in struct follow. */
#include "follow.h"

#include "check.h"
#include "show.h"

#include <stdlib.h>

enum {
    FOLLOW_BATCH = 64,
    FOLLOW_LEAST = 1 << 22,
    FOLLOW_MANY = 50000 /* steps after which a look at all chunks is cheaper */
};

struct follow {
    struct scan *scan;
    const struct walk_arena *arena;
    struct links links;
    struct links_reader known; /* of a reader that gathers */
    bool gathers, noted;
    uint64_t steps, most;
};

static void follow_add(struct list *list, size_t *count, uint64_t head, enum kind kind,
                       unsigned bin)
{
    if (head != 0)
        list[(*count)++] =
            (struct list){.head = head, .fd = head, .kind = kind, .bin = bin};
}

struct list *follow_lists(struct walk *w, const struct walk_arena *a, size_t *count)
{
    uint32_t fasts = w->root.fast_count, bins = w->root.bin_count;
    struct list *list = take((fasts + bins + 1) * sizeof *list);
    *count = 0;
    for (unsigned i = 0; i < fasts; i++)
        follow_add(list, count, walk_element(w, a->address, ARENA_FAST, i), KIND_FAST,
                   i);
    follow_add(list, count, walk_element(w, a->address, ARENA_UNSORTED, 0),
               KIND_UNSORTED, 0);
    for (unsigned i = 0; i < bins; i++)
        follow_add(list, count, walk_element(w, a->address, ARENA_BINS, i), KIND_SMALL,
                   i);
    return list;
}

void list_label(const struct list *l, char label[LIST_LABEL])
{
    bool fast = l->kind == KIND_FAST;
    uint64_t size = fast ? (uint64_t)l->bin * CHUNK_ALIGN : bin_least(l->bin);
    if (l->kind == KIND_UNSORTED)
        snprintf(label, LIST_LABEL, "unsorted");
    else
        snprintf(label, LIST_LABEL, "%s[0x%llx]",
                 fast               ? "fast"
                 : size < LARGE_MIN ? "small"
                                    : "large",
                 (unsigned long long)size);
}

static bool follow_belongs(const struct walk_chunk *c, const struct list *l)
{
    switch (l->kind) {
    case KIND_FAST:
        return c->state == WALK_FAST && c->size == (uint64_t)l->bin * CHUNK_ALIGN;
    case KIND_UNSORTED:
        return c->state == WALK_UNSORTED;
    default:
        return (c->state == WALK_SMALL || c->state == WALK_LARGE) &&
               bin_of_size(c->size) == l->bin;
    }
}

static void follow_fail(struct list *l, const char *wrong, uint64_t at)
{
    l->wrong = wrong;
    l->broken = at;
    l->done = true;
}

/* Goes on to l->fd, where `raw` was read. */
static void follow_step(struct follow *f, struct list *l, const void *raw)
{
    struct walk_chunk c;
    struct chunk copy;
    bool ring = l->kind != KIND_FAST;
    memset(&copy, 0, sizeof copy);
    memcpy(&copy, raw, CHUNK_MIN);
    walk_chunk_copy(f->scan->walk, l->fd, &copy, &c);
    if (ring && l->count != 0 && (uintptr_t)copy.bk != l->at) {
        l->says = (uintptr_t)copy.bk;
        l->is_one_sided = true;
        follow_fail(l, "fd->bk", l->at);
        return;
    }
    if (ring && l->count != 0 && l->fd == l->head) {
        l->done = true;
        return;
    }
    if (c.state == WALK_BROKEN) {
        follow_fail(l, "no chunk", l->fd);
        return;
    }
    if (l->count < LIST_MEMBERS)
        l->member[l->count] = l->fd;
    l->count++;
    l->size += c.size;
    l->at = l->fd;
    l->place = l->at == l->seek ? l->count : l->place;
    l->fd = (uintptr_t)copy.fd;
    if (!follow_belongs(&c, l))
        follow_fail(l, "a chunk that does not belong here", l->at);
    else if (l->count > f->most)
        follow_fail(l, "a loop", l->at);
    else if (!ring && l->fd == 0)
        l->done = true;
}

static void follow_read(struct follow *f, const uint64_t *address, size_t count,
                        unsigned char (*raw)[LINKS_BYTES])
{
    struct reader *r = f->scan->walk->reader;
    if (f->gathers) {
        struct reader *known = &f->known.source.reader;
        known->gather(known, address, count, raw, LINKS_BYTES);
        return;
    }
    memset(raw, 0, count * sizeof *raw);
    for (size_t i = 0; i < count; i++)
        if (!reader_get(r, address[i], raw[i], CHUNK_MIN))
            memset(raw[i], 0, sizeof raw[i]);
}

static void follow_ignore(struct audit *u, const struct audit_finding *found)
{
    (void)u;
    (void)found;
}

/* Reads all chunks in order of address: what their links were counts as long as nothing
 * has moved. */
static void follow_note(struct follow *f)
{
    struct audit u = {
        .walk = f->scan->walk, .report = follow_ignore, .most = UINT64_MAX};
    struct walk_arena now;
    f->noted = true;
    check_chunks(&u, f->scan, f->arena->address, &f->links);
    if (!walk_read_arena(f->scan->walk, f->arena->address, &now) ||
        now.generation != f->arena->generation || now.generation % 2 != 0)
        links_close(&f->links);
}

static void follow_batch(struct follow *f, struct list *list, size_t count)
{
    uint64_t address[FOLLOW_BATCH];
    unsigned char raw[FOLLOW_BATCH][LINKS_BYTES];
    struct list *open[FOLLOW_BATCH];
    size_t n;
    do {
        n = 0;
        for (size_t i = 0; i < count; i++) {
            if (list[i].done)
                continue;
            address[n] = list[i].fd;
            open[n++] = &list[i];
        }
        if (n != 0)
            follow_read(f, address, n, raw);
        for (size_t i = 0; i < n; i++)
            follow_step(f, open[i], raw[i]);
        f->steps += n;
        if (f->steps > FOLLOW_MANY && f->gathers && !f->noted)
            follow_note(f);
    } while (n != 0);
}

/* No sound list is longer: what the arena says, and its counters may be damaged. */
static uint64_t follow_most(const struct walk_arena *a)
{
    uint64_t bytes = a->free_bytes > a->fast_bytes ? a->free_bytes : a->fast_bytes;
    uint64_t most = a->heap_bytes / CHUNK_MIN, said = bytes / CHUNK_MIN + FOLLOW_LEAST;
    return said < most ? said : most;
}

void follow_all(struct scan *s, const struct walk_arena *a, struct list *list,
                size_t count)
{
    struct follow *f = take(sizeof *f);
    f->scan = s;
    f->arena = a;
    f->most = follow_most(a);
    f->gathers = s->source->reader.gather != NULL;
    if (f->gathers)
        links_reader_open(&f->known, &f->links, s->source);
    for (size_t i = 0; i < count; i += FOLLOW_BATCH)
        follow_batch(f, list + i, count - i < FOLLOW_BATCH ? count - i : FOLLOW_BATCH);
    links_close(&f->links);
    free(f);
}
