/*
 * Back into an arena: verification, fast bins, coalescing with both neighbours and the
 * top, consolidation. State: in the arena, whose lock is held.
 * Notes: docs/notes/arenas.md#give
 */
#include "base/check.h"
#include "core/binned.h"
#include "core/meta.h"
#include "core/take.h"
#include "core/trace.h"
#include "os/os.h"

enum { AHEAD = 6 }; /* blocks of a magazine whose lines are asked for early */

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
    struct chunk *prev = chunk_prev(c);
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
            arena_give(a, chunk_of(m->slot[0]));
            meta_give(m, sizeof *m);
        } else {
            depot_give(&a->depot, m);
        }
        m = next;
    }
}

/* A secret of this drain: nobody outside can guess it. */
static uintptr_t give_token(const struct arena *a)
{
    return (uintptr_t)multiply_fold(heap_keys.word ^ a->depot.drains,
                                    heap_keys.address ^ (uintptr_t)a);
}

/* A mark in the body of a chunk on its way, NULL once another one swallowed it. Marking all
 * of a drain takes a while in which other threads write, and may read a mark and write it
 * into a block of their own: it is right in one place, with one size. */
static ALWAYS_INLINE struct chunk *give_mark_of(const struct chunk *c, size_t size,
                                                uintptr_t token)
{
    uint64_t turned = (uint64_t)token << 32 | (uint64_t)token >> 32;
    uint64_t mark = multiply_fold((uintptr_t)c ^ token, size ^ turned);
    return (struct chunk *)(uintptr_t)mark;
}

/* Also of a neighbour that is somebody's live block: any value of his but the secret one
 * says no. */
RACE_IS_KNOWN static bool give_is_marked(const struct chunk *c, size_t size,
                                         uintptr_t token)
{
    return c->fd == give_mark_of(c, size, token);
}

/* Whose fault a wrong header is: that of the block before it, if that comes back too. Only
 * what ends just there is looked at. */
static COLD NOINLINE void give_blame(const struct magazine *chain,
                                     const struct chunk *c)
{
    for (const struct magazine *m = chain; m != NULL; m = m->next) {
        size_t size = class_sizes[m->class];
        for (uint32_t i = 0; i < m->count; i++) {
            const struct chunk *p = chunk_of(m->slot[i]);
            size_t distance = (uintptr_t)c - (uintptr_t)p;
            if (distance >= size && distance <= size + CHUNK_ALIGN &&
                give_whole(&heap_keys, p) == distance)
                fail(give_overflow, mem_of(p));
        }
    }
    fail(give_corrupted, mem_of(c));
}

/* Verifies the chunks and marks them. What lies behind is verified at the end of a run
 * only: within one it is a marked chunk. */
static void give_mark(const struct magazine *chain, const struct magazine *m,
                      uintptr_t token)
{
    struct chunk_keys keys = heap_keys;
    uint32_t count = m->count;
    size_t size = class_sizes[m->class];
    for (uint32_t i = 0; i < count; i++) {
        struct chunk *c = chunk_of(m->slot[i]);
        const struct chunk *ahead = chunk_of(m->slot[min_size(i + AHEAD, count - 1)]);
        PREFETCH(ahead);
        PREFETCH(chunk_at(ahead, size));
        size_t have = give_whole(&keys, c);
        if (UNLIKELY(have == 0))
            give_blame(chain, c);
        struct chunk *mark = give_mark_of(c, have, token);
        GUARD(c->fd != mark, "double free: the block is listed twice", mem_of(c));
        c->fd = mark;
    }
}

/* Each chunk that is still a run of its own swallows the marked ones behind it. Leaves
 * those that were runs when their turn came. */
static void give_join(struct arena *a, struct magazine *m, uintptr_t token)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        struct chunk *c = chunk_of(m->slot[i]), *next;
        if (c->fd == NULL)
            continue;
        size_t size = chunk_size(c), before = size, more;
        GUARD(give_is_marked(c, size, token), give_corrupted, mem_of(c));
        while (next = chunk_at(c, size), (more = chunk_size(next)) >= CHUNK_MIN &&
                                             give_is_marked(next, more, token)) {
            GUARD(chunk_prev_inuse(next), give_cleared, mem_of(c));
            size += more;
            next->fd = NULL;
            a->counts.merges++;
        }
        if (size != before) {
            chunk_set_idle(&heap_keys, c, size,
                           IDLE_OUT | a->flags | (chunk_bits(c) & PREV_INUSE));
            c->fd = give_mark_of(c, size, token);
        }
        m->slot[kept++] = m->slot[i];
    }
    m->count = kept;
}

/* Leaves only what nobody swallowed later: it may soon be unmapped. */
static void give_keep_heads(struct magazine *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->count; i++)
        if (chunk_of(m->slot[i])->fd != NULL)
            m->slot[kept++] = m->slot[i];
    m->count = kept;
}

/* Small runs rest in the fast bins while there is room. */
static void give_run(struct arena *a, struct chunk *c, uintptr_t token)
{
    size_t size = chunk_size(c);
    struct clean clean = {0, 0};
    GUARD(give_is_marked(c, size, token), give_corrupted, mem_of(c));
    give_verify_behind(c, size);
    c->fd = NULL; /* the mark comes from the keys: no block may bring it to light */
    if (size <= a->tune->fast_max && a->fast_bytes + size <= a->tune->fast_bytes)
        give_fast(a, c, size);
    else if (give_merge(a, &c, &size, &clean))
        binned_out_to_sorted(a, c, size, clean);
}

/* Asks early for the neighbours that a run may merge with. */
static void give_ask_around(const struct chunk *c)
{
    if (!chunk_prev_inuse(c))
        PREFETCH(chunk_prev(c));
    PREFETCH(chunk_at(c, chunk_size(c)));
}

/* And then for the neighbours' neighbours in their bins. Nothing is verified yet, but it
 * is only asked for; and what lies between here and there is one heap's. */
static void give_ask_lists(const struct chunk *c)
{
    /* In use, it ends with words of its owner, who may be writing. */
    const struct chunk *prev = chunk_prev_inuse(c) ? c : chunk_prev(c);
    const struct chunk *next = chunk_at(c, chunk_size(c));
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

/* Gives the chunks of a chain of magazines back. Neighbours among them are joined first,
 * in whatever order they come, so that bins are touched once a run. */
static void give_magazines(struct arena *a, struct magazine *chain)
{
    struct magazine *m, *empty = NULL;
    uintptr_t token = give_token(a);
    a->depot.drains++;
    for (m = chain; m != NULL; m = m->next)
        give_mark(chain, m, token);
    for (m = chain; m != NULL; m = m->next)
        give_join(a, m, token);
    for (m = chain; m != NULL; m = m->next)
        give_keep_heads(m);
    while ((m = chain) != NULL) {
        chain = m->next;
        for (uint32_t i = 0; i < m->count; i++) {
            if (i + AHEAD < m->count)
                give_ask_around(chunk_of(m->slot[i + AHEAD]));
            if (i + AHEAD / 2 < m->count)
                give_ask_lists(chunk_of(m->slot[i + AHEAD / 2]));
            give_run(a, chunk_of(m->slot[i]), token);
        }
        m->next = empty;
        empty = m;
    }
    meta_give_list(empty, sizeof *empty);
}

void arena_drain(struct arena *a, size_t keep)
{
    if (a->depot.bytes > keep)
        depot_note_drain(&a->depot, os_clock_ms(), a->tune->purge_hold_ms);
    while (a->depot.bytes > keep) {
        struct magazine *chain = depot_take_many(&a->depot, keep);
        if (chain == NULL)
            return;
        give_magazines(a, chain);
    }
}
