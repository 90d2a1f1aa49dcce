/* Idle pages of a depot; see sieve.h. State: in the arena. */
#include "core/sieve.h"

#include "base/check.h"
#include "core/meta.h"
#include "core/take.h"

#include <string.h>

enum {
    SIEVE_GREW = 4,   /* once the depot grew by this part, all is counted again */
    SIEVE_BINNED = 4, /* pointers for which one chunk of the bins is looked at */
    SIEVE_SPAN = 4    /* of the heaps' bytes: chunks so near the top are counted */
};

/* From the lowest to the highest chunk of a depot, but for what lies elsewhere. */
static struct clean sieve_range(const struct arena *a)
{
    struct clean r = {UINTPTR_MAX, 0};
    uintptr_t near = a->heap_bytes * SIEVE_SPAN;
    uintptr_t least = (uintptr_t)a->top - min_size((uintptr_t)a->top, near);
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        size_t size = depot_extent(class);
        for (const struct magazine *m = a->depot.full[class]; m != NULL; m = m->next) {
            for (uint32_t i = 0; i < m->count; i++) {
                uintptr_t c = (uintptr_t)chunk_of(magazine_at(m, i));
                if (UNLIKELY(c - least >= 2 * near))
                    continue;
                r.from = min_size(r.from, c);
                r.to = max_size(r.to, c + size);
            }
        }
    }
    return r;
}

static void sieve_count_chunk(struct tally *t, const struct chunk *c, size_t size)
{
    if (tally_holds(t, (uintptr_t)c, size))
        tally_add_ends(t, (uintptr_t)c, size);
}

/* The chunks of a ring; all bins have `left` more of them. */
static void sieve_count_ring(struct tally *t, const struct chunk *head, size_t *left)
{
    const struct chunk *c = head;
    while (c != NULL) {
        size_t size = ((uintptr_t)c & (CHUNK_ALIGN - 1)) == 0
                          ? chunk_size_if_binned(&heap_keys, c)
                          : 0;
        GUARD(size != 0 && *left != 0,
              "corrupted bin: link leads to no chunk of this kind of bin", mem_of(c));
        --*left;
        sieve_count_chunk(t, c, size);
        c = c->fd == head ? NULL : c->fd;
    }
}

static void sieve_count_fast(const struct arena *a, struct tally *t)
{
    size_t left = a->fast_bytes;
    for (size_t bin = 0; bin < FAST_COUNT; bin++) {
        for (const struct chunk *c = a->fast[bin]; c != NULL; c = c->fd) {
            size_t size = bin * CHUNK_ALIGN;
            fast_verify(c, left >= size ? size : 0);
            left -= size;
            sieve_count_chunk(t, c, size);
        }
    }
}

/* What is idle already: it belongs to nobody, and shares pages with the depot's. */
static void sieve_count_bins(const struct arena *a, struct tally *t)
{
    size_t left = a->free_count;
    sieve_count_ring(t, a->unsorted, &left);
    for (unsigned bin = 0; bin < BIN_COUNT; bin++)
        sieve_count_ring(t, a->bins.head[bin], &left);
    sieve_count_fast(a, t);
    sieve_count_chunk(t, a->top, top_size(a));
    tally_forget(t, t->low);
}

/* Counts what is new in the depot. */
static void sieve_count_depot(struct depot *d)
{
    struct tally t = d->tally; /* in registers */
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        size_t size = depot_extent(class);
        for (struct magazine *m = d->full[class]; m != NULL && m->counted < m->count;
             m = m->next) {
            for (uint32_t i = m->counted; i < m->count; i++)
                tally_add(&t, (uintptr_t)chunk_of(magazine_at(m, i)), size);
            d->rest_count += m->count - m->counted;
            m->counted = (uint16_t)m->count;
        }
    }
    d->tally = t;
    d->rest = d->bytes;
}

/* Forgets what was counted, and counts all. */
static bool sieve_count_all(struct arena *a)
{
    struct depot *d = &a->depot;
    size_t count = 0;
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        for (struct magazine *m = d->full[class]; m != NULL; m = m->next) {
            count += m->count;
            m->counted = 0;
        }
    }
    d->rest = d->rest_count = 0;
    d->tally.stale = true;
    if (a->top == NULL || a->free_count > count / SIEVE_BINNED)
        return false; /* to look at so many would be as much work as to give back */
    struct clean range = sieve_range(a);
    if (range.from >= range.to || !tally_begin(&d->tally, range.from, range.to))
        return false;
    sieve_count_bins(a, &d->tally);
    sieve_count_depot(d);
    d->counted_at = a->counts.splits + a->counts.fills;
    d->counted = d->rest;
    return true;
}

/* Whether anything was taken from the bins since all was counted. */
static bool sieve_is_old(const struct arena *a)
{
    return a->depot.counted_at != a->counts.splits + a->counts.fills;
}

bool sieve_count(struct arena *a)
{
    struct depot *d = &a->depot;
    if (d->tally.idle == NULL || d->tally.stale ||
        (sieve_is_old(a) && d->bytes > d->counted + d->counted / SIEVE_GREW))
        return sieve_count_all(a);
    sieve_count_depot(d);
    return true;
}

/* Where what stays of a class is put together, the newest first, and what goes. */
struct sieve {
    struct magazine *to;
    struct magazine *before; /* the one that was filled last, or NULL */
    uint32_t count;          /* slots of `to` in use, the last ones */
    struct magazine *out;
    uintptr_t from; /* pages before it stay */
};

/* The next magazine is filled. */
static void sieve_close(struct sieve *s)
{
    struct magazine *m = s->to;
    memmove(m->slot, m->slot + MAGAZINE_SLOTS - s->count, s->count * sizeof *m->slot);
    m->counted = (uint16_t)(m->count = s->count);
    s->before = m;
    s->to = m->next; /* read already, or being read */
    s->count = 0;
}

static ALWAYS_INLINE void sieve_stay(struct sieve *s, uint32_t high, uint32_t slot)
{
    if (s->count == MAGAZINE_SLOTS || (s->to->high != high && s->count != 0))
        sieve_close(s);
    s->to->high = high;
    s->to->slot[MAGAZINE_SLOTS - ++s->count] = slot;
}

/* Puts a pointer before those that are taken out. False without memory. */
static ALWAYS_INLINE bool sieve_go(struct sieve *s, uint32_t high, uint32_t slot)
{
    struct magazine *m = s->out;
    if (m == NULL || m->count == MAGAZINE_SLOTS || m->high != high) {
        m = meta_take(sizeof *m);
        if (m == NULL)
            return false;
        m->high = high;
        m->next = s->out;
        s->out = m;
    }
    m->slot[m->count++] = slot;
    return true;
}

/* Divides what is in a magazine. Returns how many are taken out. */
static ALWAYS_INLINE uint32_t sieve_magazine(struct sieve *s, const struct tally *t,
                                             const struct magazine *m, size_t size)
{
    uint32_t count = m->count, high = m->high, out = 0, kept = 0, taken = 0;
    uint32_t keep[MAGAZINE_SLOTS], take[MAGAZINE_SLOTS];
    for (uint32_t i = count; i-- > 0;) {
        uintptr_t c = (uintptr_t)chunk_of(magazine_at(m, i));
        /* Both, and no jump: which one it is nobody can foresee. */
        bool goes = tally_is_idle(t, c, size, s->from);
        take[taken] = keep[kept] = m->slot[i];
        taken += goes;
        kept += !goes;
    }
    while (out < taken && sieve_go(s, high, take[out]))
        out++;
    for (uint32_t i = out; i < taken; i++)
        sieve_stay(s, high, take[i]);
    for (uint32_t i = 0; i < kept; i++)
        sieve_stay(s, high, keep[i]);
    return out;
}

/* Divides what the depot holds of a class. */
static void sieve_class(struct sieve *s, struct depot *d, unsigned class)
{
    const struct tally t = d->tally; /* in registers */
    size_t size = class_sizes[class];
    s->to = d->full[class];
    s->before = NULL;
    s->count = 0;
    for (const struct magazine *m = s->to; m != NULL; m = m->next) {
        uint32_t out = sieve_magazine(s, &t, m, size);
        d->bytes -= out * size;
        d->rest_count -= min_size(d->rest_count, out);
        d->drained[class] += out;
    }
    /* What lies behind the last one written to is empty. */
    if (s->count != 0)
        sieve_close(s);
    meta_give_list(s->to, sizeof *s->to);
    depot_cut(d, class, s->before);
}

struct magazine *sieve_take(struct arena *a, size_t keep)
{
    struct depot *d = &a->depot;
    struct tally *t = &d->tally;
    if (sieve_is_old(a) && !sieve_count_all(a))
        return NULL;
    size_t idle = t->pages << t->page_log2, gone = idle - min_size(idle, keep);
    struct sieve s = {
        .out = NULL,
        .from = tally_last(t, gone >> t->page_log2),
    };
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        if (d->full[class] != NULL)
            sieve_class(&s, d, class);
    tally_forget(t, s.from);
    d->rest = d->bytes;
    return s.out;
}
