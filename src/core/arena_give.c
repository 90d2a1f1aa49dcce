/*
 * Back into an arena: verification, fast bins, coalescing with both neighbours and the
 * top, consolidation. State: in the arena, whose lock is held.
 * Notes: docs/notes/arenas.md#give
 */
#include "base/check.h"
#include "core/binned.h"
#include "core/meta.h"
#include "core/sieve.h"
#include "core/take.h"
#include "core/trace.h"
#include "os/os.h"

enum {
    AT_ONCE = 24,           /* chunks that a drain looks at before it gives any back */
    AHEAD = 6,              /* runs whose neighbours are asked for early */
    DRAINED_MOST = 8 * MIB, /* of what rests goes at once */
    SIEVED = 512 * KIB,     /* a depot with less is given back whole, */
    SIEVED_PART = 16,       /* and one whose pointers take this part of the heaps */
    LEFT_IDLE = 64 * KIB,   /* of idle pages are not looked for, */
    LEFT_PART = 16, /* nor this part of what stays, and half of it of what is live */
    WINDOWS = 64    /* in which a drain looks for neighbours */
};

static const char give_corrupted[] = "corrupted header of a freed block";
static const char give_overflow[] =
    "heap overflow: header behind the block was overwritten";
/* A second free finds the block's own header wrong: it is no free that cleared P. */
static const char give_cleared[] =
    "heap overflow: P in the header behind the block was cleared";

/* Its size if it has the whole header of a chunk that comes back, else 0. */
static ALWAYS_INLINE size_t give_whole(const struct chunk_keys *k,
                                       const struct chunk *c)
{
    size_t size = ((uintptr_t)c & (CHUNK_ALIGN - 1)) == 0 ? chunk_size_if_out(k, c) : 0;
    return size >= CHUNK_MIN ? size : 0;
}

/* The header behind it. */
static ALWAYS_INLINE void give_verify_behind(const struct chunk *c, size_t size)
{
    const struct chunk *next = chunk_at(c, size);
    GUARD(chunk_is_valid(&heap_keys, next), give_overflow, mem_of(c));
    GUARD(chunk_prev_inuse(next), give_cleared, mem_of(c));
}

/* Whether both lie in one heap, so that prev may be looked at. */
static bool give_same_heap(const struct chunk *c, const struct chunk *prev)
{
    return heap_in_break(c) ? heap_in_break(prev)
                            : heap_of_spanned(c) == heap_of_spanned(prev);
}

/* Joins a binned chunk before c; returns where the joined chunk starts. */
static struct chunk *give_merge_prev(struct arena *a, struct chunk *c, size_t *size,
                                     struct clean *clean)
{
    if (chunk_prev_inuse(c))
        return c;
    size_t before = (size_t)c->prev_size;
    struct chunk *prev = (struct chunk *)((uintptr_t)c - before);
    GUARD((before & (CHUNK_ALIGN - 1)) == 0 && before >= CHUNK_MIN &&
              before < (uintptr_t)c && give_same_heap(c, prev) &&
              chunk_size_if_binned(&heap_keys, prev) == before,
          "corrupted prev_size or P: no free chunk lies before", mem_of(c));
    *clean = binned_to_out(a, prev, before);
    *size += before;
    a->counts.merges++;
    trace(TRACE_MERGE_BEFORE, before);
    return prev;
}

static struct clean give_larger(struct clean x, struct clean y)
{
    return x.to - x.from >= y.to - y.from ? x : y;
}

/* Hands a heap without live chunks over: other arenas may take it. */
static void give_away(struct arena *a, struct heap *h)
{
    struct heap **link = &a->heaps, *at = NULL;
    unsigned seen = 0;
    while ((at = arena_next_heap(a, at, &seen)) != h) {
        GUARD(at != NULL, "corrupted heap: link to the next one", h);
        link = &at->next;
    }
    *link = h->next;
    a->heap_count--;
    a->heap_bytes -= heap_size(h);
    trace(TRACE_HEAP_GIVE, heap_size(h));
    heap_destroy(h);
}

/* Gives a whole free heap away. True when c was one. */
static bool give_heap(struct arena *a, struct chunk *c, size_t size, struct clean clean)
{
    if (heap_in_break(c))
        return false;
    struct heap *h = heap_of_spanned(c);
    /* By address: the header behind c was not verified, and may say anything. */
    if (h->first != c || chunk_at(c, size) != heap_fence(h) || h == a->top_heap)
        return false;
    struct clean inside = binned_interior(c, size);
    if (inside.to - inside.from > (clean.to - clean.from) + a->tune->purge_base)
        return false; /* still dirty: the purge comes first, without the lock */
    give_away(a, h);
    return true;
}

void arena_give_top(struct arena *a)
{
    struct heap *h = a->top_heap;
    if (h == NULL || h->kind != HEAP_SPANNED || a->top != h->first)
        return;
    GUARD(chunk_is_idle(&heap_keys, a->top), "corrupted top chunk: header",
          mem_of(a->top));
    a->top = NULL;
    a->top_heap = NULL;
    a->top_clean = a->top_purged = 0;
    give_away(a, h);
}

/* Merges with both neighbours. False when the chunk became part of the top or left with
 * its heap; else *merged and *size tell what is to be binned. */
static ALWAYS_INLINE bool give_merge(struct arena *a, struct chunk **merged,
                                     size_t *bytes, struct clean *clean)
{
    struct clean other = {0, 0};
    size_t size = *bytes;
    struct chunk *c = give_merge_prev(a, *merged, &size, &other);
    *clean = give_larger(*clean, other);
    struct chunk *next = chunk_at(c, size);
    if (next == a->top) {
        GUARD(chunk_is_idle(&heap_keys, next), "corrupted top chunk: header",
              mem_of(next));
        a->counts.merges++;
        trace(TRACE_MERGE_TOP, size);
        top_set(a, c);
        return false;
    }
    size_t behind = chunk_size_if_binned(&heap_keys, next);
    if (behind != 0) {
        other = binned_to_out(a, next, behind);
        *clean = give_larger(*clean, other);
        size += behind;
        a->counts.merges++;
        trace(TRACE_MERGE_BEHIND, behind);
    }
    *merged = c;
    *bytes = size;
    if (size < HEAP_SPAN / 512)
        return true;
    chunk_set_idle(&heap_keys, c, size, IDLE_OUT | PREV_INUSE | a->flags);
    return !give_heap(a, c, size, *clean);
}

void give_merged(struct arena *a, struct chunk *c, size_t size, struct clean clean)
{
    if (give_merge(a, &c, &size, &clean))
        binned_out_to_unsorted(a, c, size, clean);
}

static void give_fast(struct arena *a, struct chunk *c, size_t size)
{
    size_t bin = size / CHUNK_ALIGN;
    chunk_set_idle(&heap_keys, c, size,
                   IDLE_FAST | a->flags | (chunk_bits(c) & PREV_INUSE));
    c->fd = a->fast[bin];
    a->fast[bin] = c;
    a->fast_bytes += size;
    trace(TRACE_FAST_PUT, size);
}

void arena_give(struct arena *a, struct chunk *c)
{
    size_t size = give_whole(&heap_keys, c);
    GUARD(size != 0, give_corrupted, mem_of(c));
    give_verify_behind(c, size);
    if (size > a->tune->fast_max) {
        give_merged(a, c, size, (struct clean){0, 0});
        return;
    }
    give_fast(a, c, size);
    if (a->fast_bytes > a->tune->fast_bytes)
        arena_consolidate(a);
}

void arena_consolidate(struct arena *a)
{
    if (a->fast_bytes == 0)
        return;
    a->counts.consolidations++;
    trace(TRACE_CONSOLIDATE, a->fast_bytes);
    for (size_t bin = 0; bin < FAST_COUNT; bin++) {
        size_t size = bin * CHUNK_ALIGN;
        while (a->fast[bin] != NULL) {
            struct chunk *c = fast_pop(a, bin);
            /* No header that a fast bin takes may stay inside a larger chunk. */
            if (!chunk_prev_inuse(c))
                chunk_set_idle(&heap_keys, c, size, IDLE_OUT | a->flags);
            give_merged(a, c, size, (struct clean){0, 0});
        }
    }
}

void arena_shrink(struct arena *a, struct chunk *c, size_t size)
{
    size_t have = arena_size_again(c, size, SIZE_MAX);
    if (have - size < CHUNK_MIN)
        return;
    const struct chunk *next = chunk_at(c, have);
    GUARD(chunk_is_valid(&heap_keys, next) && chunk_prev_inuse(next), give_overflow,
          mem_of(c));
    struct chunk *rest = chunk_at(c, size);
    chunk_set_idle(&heap_keys, c, size,
                   IDLE_OUT | (chunk_bits(c) & PREV_INUSE) | a->flags);
    chunk_flip(c);
    chunk_set_idle(&heap_keys, rest, have - size, IDLE_OUT | PREV_INUSE | a->flags);
    a->counts.splits++;
    give_merged(a, rest, have - size, (struct clean){0, 0});
}

void arena_absorb(struct arena *a)
{
    struct magazine *m = remote_take(&a->remote);
    while (m != NULL) {
        struct magazine *next = m->next;
        if (m->class == CLASS_NONE) {
            arena_give(a, chunk_of(magazine_at(m, 0)));
            meta_give(m, sizeof *m);
        } else {
            depot_give(&a->depot, m);
        }
        m = next;
    }
}

/* Chunks that lie one behind the other. */
struct run {
    struct chunk *first;
    struct chunk *last;
    size_t size; /* of all of them */
};

/* A chunk's header is wrong, or lies inside the one before it: the block that ends there
 * may have overflowed. */
static COLD NOINLINE void give_blame(const struct run *before, const struct chunk *c)
{
    if (before != NULL && chunk_at(before->first, before->size) == c)
        fail(give_overflow, mem_of(before->last));
    fail(give_corrupted, mem_of(c));
}

/* Verifies a chunk that lies behind all those before, and appends it to the last run, or
 * begins a new one. Returns how many runs there are. */
static ALWAYS_INLINE unsigned give_append(struct arena *a, const struct chunk_keys *k,
                                          struct run *run, unsigned runs,
                                          struct chunk *c)
{
    struct run *r = runs == 0 ? NULL : &run[runs - 1];
    const struct chunk *end = r == NULL ? NULL : chunk_at(r->first, r->size);
    size_t size = give_whole(k, c);
    if (UNLIKELY(size == 0 || c < end))
        give_blame(r, c);
    if (c != end) {
        run[runs] = (struct run){c, c, size};
        return runs + 1;
    }
    GUARD(chunk_prev_inuse(c), give_cleared, mem_of(r->last));
    r->last = c;
    r->size += size;
    a->counts.merges++;
    return runs;
}

/* Small runs rest in the fast bins while there is room. What lies behind is verified at
 * the end of a run only: within one it is the next chunk. */
static void give_run(struct arena *a, const struct run *r)
{
    struct chunk *c = r->first;
    size_t size = r->size;
    struct clean clean = {0, 0};
    give_verify_behind(r->last, size - ((uintptr_t)r->last - (uintptr_t)c));
    if (r->last != c)
        chunk_set_idle(&heap_keys, c, size,
                       IDLE_OUT | a->flags | (chunk_bits(c) & PREV_INUSE));
    if (size <= a->tune->fast_max && a->fast_bytes + size <= a->tune->fast_bytes)
        give_fast(a, c, size);
    else if (give_merge(a, &c, &size, &clean))
        binned_out_to_sorted(a, c, size, clean);
}

/* Asks early for the neighbours that a run may merge with. */
static void give_ask_around(const struct run *r)
{
    if (!chunk_prev_inuse(r->first))
        PREFETCH(chunk_prev(r->first));
    PREFETCH(chunk_at(r->first, r->size));
}

/* And then for the neighbours' neighbours in their bins. Nothing is verified yet, but it
 * is only asked for; and what lies between here and there is one heap's. */
static void give_ask_lists(const struct run *r)
{
    /* In use, it ends with words of its owner, who may be writing. */
    const struct chunk *c = r->first;
    const struct chunk *prev = chunk_prev_inuse(c) ? c : chunk_prev(c);
    const struct chunk *next = chunk_at(c, r->size);
    if (prev < c && ((uintptr_t)prev & (CHUNK_ALIGN - 1)) == 0 &&
        give_same_heap(c, prev)) {
        PREFETCH(prev->fd);
        PREFETCH(prev->bk);
    }
    if (chunk_is_binned(&heap_keys, next)) {
        PREFETCH(next->fd);
        PREFETCH(next->bk);
    }
}

static void give_runs(struct arena *a, const struct run *run, unsigned runs)
{
    for (unsigned i = 0; i < runs; i++) {
        if (i + AHEAD < runs)
            give_ask_around(&run[i + AHEAD]);
        if (i + AHEAD / 2 < runs)
            give_ask_lists(&run[i + AHEAD / 2]);
        give_run(a, &run[i]);
    }
}

/* The next pointers of the window; asks for their headers. */
static size_t give_ask(struct order *o, void **mem)
{
    size_t count = order_take(o, mem, AT_ONCE);
    for (size_t i = 0; i < count; i++)
        PREFETCH(chunk_of(mem[i]));
    return count;
}

/* Gives back what is in the window, joined. */
static void give_window(struct arena *a, struct order *o)
{
    const struct chunk_keys keys = heap_keys; /* in registers */
    struct run run[AT_ONCE + 1];
    void *mem[2][AT_ONCE];
    unsigned runs = 0, turn = 0;
    size_t count = give_ask(o, mem[0]);
    while (count != 0) {
        size_t next = give_ask(o, mem[!turn]);
        for (size_t i = 0; i < count; i++)
            runs = give_append(a, &keys, run, runs, chunk_of(mem[turn][i]));
        give_runs(a, run, runs - 1); /* the last one may go on */
        run[0] = run[runs - 1];
        runs = 1;
        count = next;
        turn = !turn;
    }
    give_runs(a, run, runs);
}

static uintptr_t give_lowest(const struct magazine *chain)
{
    uintptr_t low = UINTPTR_MAX;
    for (const struct magazine *m = chain; m != NULL; m = m->next)
        for (uint32_t i = 0; i < m->count; i++)
            low = min_size(low, (uintptr_t)magazine_at(m, i));
    return low;
}

/* Moves the pointers that lie in the window out of the magazines into it; returns the
 * lowest of those that stay. */
static uintptr_t give_gather(struct order *o, struct magazine *chain)
{
    uintptr_t low = UINTPTR_MAX;
    for (struct magazine *m = chain; m != NULL; m = m->next) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < m->count; i++) {
            void *mem = magazine_at(m, i);
            if (order_holds(o, mem)) {
                GUARD(order_add(o, mem), "double free: the block is listed twice", mem);
            } else {
                m->slot[kept++] = m->slot[i];
                low = min_size(low, (uintptr_t)mem);
            }
        }
        m->count = kept;
    }
    return low;
}

static bool give_has_order(struct arena *a)
{
    if (a->order == NULL)
        a->order = meta_take(sizeof *a->order);
    return a->order != NULL;
}

void arena_sort_class(struct arena *a, unsigned class)
{
    if (give_has_order(a))
        depot_sort(&a->depot, class, a->order);
    else
        a->depot.fresh[class] = 0; /* else each refill would ask the system again */
}

/* Gives the chunks of a chain of magazines back. Neighbours among them are joined first,
 * so that bins are touched once a run; where they are scattered over many windows, or
 * without memory for one, each goes alone. */
static void give_magazines(struct arena *a, struct magazine *chain)
{
    uintptr_t low = give_lowest(chain);
    if (!give_has_order(a))
        low = UINTPTR_MAX;
    for (unsigned i = 0; i < WINDOWS && low != UINTPTR_MAX; i++) {
        order_begin(a->order, low);
        low = give_gather(a->order, chain);
        give_window(a, a->order);
    }
    for (const struct magazine *m = chain; m != NULL; m = m->next)
        for (uint32_t i = 0; i < m->count; i++)
            arena_give(a, chunk_of(magazine_at(m, i)));
    meta_give_list(chain, sizeof *chain);
}

/* Bytes of idle pages for which it is not worth to go through the depot. */
static size_t give_left(const struct arena *a)
{
    return LEFT_IDLE + a->depot.rest / LEFT_PART + a->live / (2 * LEFT_PART);
}

void arena_sieve(struct arena *a, size_t keep)
{
    struct depot *d = &a->depot;
    size_t rest = d->rest;
    if (d->unwanted != 0)
        d->unwanted = a->live < d->unwanted / 2 ? 0 : max_size(d->unwanted, a->live);
    if (d->bytes <= max_size(keep, SIEVED) || d->unwanted != 0 || !sieve_count(a) ||
        d->rest_count > a->heap_bytes / SIEVED_PART / sizeof d->full[0]->slot[0]) {
        arena_drain(a, max_size(keep, rest - min_size(rest, DRAINED_MOST)));
        return;
    }
    size_t idle = d->tally.pages << d->tally.page_log2;
    if (idle > d->bytes / LEFT_PART * (LEFT_PART - 1)) {
        arena_drain(a, keep); /* nearly all of it goes */
    } else if (idle > keep + give_left(a)) {
        depot_note_drain(d, os_clock_ms(), a->tune->purge_hold_ms);
        give_magazines(a, sieve_take(a, keep));
    }
}

void arena_drain(struct arena *a, size_t keep)
{
    if (a->depot.bytes <= keep)
        return;
    depot_note_drain(&a->depot, os_clock_ms(), a->tune->purge_hold_ms);
    if (keep <= SIEVED)
        tally_end(&a->depot.tally);
    while (a->depot.bytes > keep) {
        struct magazine *chain = depot_take_many(&a->depot, keep);
        if (chain == NULL)
            return;
        give_magazines(a, chain);
    }
}
