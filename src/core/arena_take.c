/*
 * Out of an arena: fast bin, small bin, unsorted bin, best fit, top, growth, in this
 * order. State: in the arena, whose lock is held. Notes: docs/notes/arenas.md#take
 */
#include "base/check.h"
#include "core/binned.h"
#include "core/take.h"
#include "core/trace.h"
#include "os/os.h"

#include <errno.h>

enum {
    DEPOT_PART = 32,         /* before a heap grows, its depot shrinks to this part */
    DEPOT_ALWAYS = 64 * KIB, /* but not below this */
    TAKE_NEXT = 3 /* classes of the depot that may serve an aligned request */
};

/* Newest chunk of a fast bin, or NULL. */
static struct chunk *take_fast(struct arena *a, size_t size)
{
    size_t bin = size / CHUNK_ALIGN;
    if (bin >= FAST_COUNT || a->fast[bin] == NULL)
        return NULL;
    struct chunk *c = fast_pop(a, bin);
    trace(TRACE_FAST_HIT, size);
    chunk_set_idle(&heap_keys, c, size,
                   a->flags | (chunk_bits(c) & PREV_INUSE) | IDLE_OUT);
    return c;
}

/* Oldest chunk of exactly this size in a small bin, or NULL. */
static struct chunk *take_small(struct arena *a, size_t size)
{
    struct chunk *c = size < LARGE_MIN ? a->bins.head[bin_index(size)] : NULL;
    if (c != NULL) {
        trace(TRACE_SMALL_HIT, size);
        binned_take(a, c, size);
    }
    return c;
}

/* Sorts the unsorted bin. Returns a chunk of exactly `size` if it met one; it stays
 * unsorted until it is taken. */
static struct chunk *take_sort(struct arena *a, size_t size)
{
    while (a->unsorted != NULL) {
        struct chunk *c = a->unsorted;
        if (chunk_size(c) == size) {
            trace(TRACE_UNSORTED_HIT, size);
            return c;
        }
        trace(TRACE_SORT, chunk_size(c));
        binned_unsorted_to_sorted(a, c);
    }
    return NULL;
}

/* Notes that purged pages of a free chunk are used again. */
static void take_widen(struct arena *a, const struct clean *had, size_t rest_clean)
{
    size_t bytes = had->to - had->from;
    if (bytes > rest_clean)
        arena_note_reuse(a, bytes - rest_clean);
}

/* Where what is left of a split chunk goes. */
typedef void take_rest(struct arena *a, struct chunk *c, size_t size, struct clean k);

/* Takes a binned chunk and bins what lies behind its first `size` bytes: splitting. */
static ALWAYS_INLINE struct chunk *take_split_to(struct arena *a, struct chunk *c,
                                                 size_t size, struct clean *clean,
                                                 take_rest *keep)
{
    size_t have = chunk_size(c), rest = have - size;
    trace(rest >= CHUNK_MIN ? TRACE_SPLIT : TRACE_WHOLE,
          rest >= CHUNK_MIN ? rest : have);
    struct clean had = binned_take(a, c, have);
    /* Its size was read before that, and may have been another one's words. */
    GUARD(have >= size, "corrupted free chunk: header", mem_of(c));
    size_t rest_clean = 0;
    if (rest >= CHUNK_MIN) {
        struct chunk *r = chunk_at(c, size);
        struct clean kept = binned_clip(had, r, rest);
        rest_clean = kept.to - kept.from;
        chunk_set_idle(&heap_keys, c, size, IDLE_OUT | PREV_INUSE | a->flags);
        keep(a, r, rest, kept);
        a->counts.splits++;
        if (clean != NULL && had.to > had.from) {
            clean->from = had.from;
            clean->to = min_size(had.to, align_down((uintptr_t)r, os_page_size()));
            if (clean->to <= clean->from)
                clean->from = clean->to = 0;
        }
    } else if (clean != NULL) {
        *clean = had;
    }
    if (UNLIKELY(had.to > had.from))
        take_widen(a, &had, rest_clean);
    return c;
}

static struct chunk *take_split(struct arena *a, struct chunk *c, size_t size,
                                struct clean *clean)
{
    return take_split_to(a, c, size, clean, binned_out_to_unsorted);
}

/* How much may stay in the depot while the heap grows by `size`. Beyond its peak, what fell
 * from use comes out first. */
static size_t take_spared(const struct arena *a, size_t size)
{
    size_t least = max_size(a->heap_bytes / DEPOT_PART, DEPOT_ALWAYS);
    size_t spared = arena_spared(a), fallen = depot_fallen(&a->depot, a->live);
    if (a->heap_bytes + size <= a->heap_peak)
        return max_size(least, spared) + fallen;
    return max_size(least,
                    fallen == 0 ? spared : min_size(spared, a->tune->depot_bytes));
}

/* Before pages that are not resident are used, what rests in the depot goes into the bins: it
 * lies in pages that stay. True where that was something. `c` is the best fit, or NULL. */
static bool take_rested(struct arena *a, const struct chunk *c, size_t size)
{
    if (LIKELY(a->depot.rest == 0))
        return false;
    size_t most = take_spared(a, size);
    bool clean = c != NULL ? chunk_size(c) >= TAIL_MIN && c->clean_from < c->clean_to
                           : a->top_clean < (uintptr_t)a->top + size + CHUNK_MIN;
    if (!clean || a->depot.bytes <= most)
        return false;
    a->depot.unwanted = max_size(a->live, 1);
    arena_drain(a, most / 2);
    arena_consolidate(a);
    return true;
}

/* Makes room where there was none: merges what waits unmerged, and failing that grows
 * the heap. *tried remembers that the first was done. */
static bool take_make_room(struct arena *a, size_t size, bool *tried)
{
    if (!*tried) {
        *tried = true;
        arena_absorb(a);
        size_t most = take_spared(a, size);
        bool drain = a->depot.bytes > most;
        if (drain)
            arena_drain(a, most / 2);
        if (drain || a->fast_bytes >= size) {
            arena_consolidate(a);
            return true;
        }
    }
    return top_grow(a, size);
}

struct chunk *arena_take(struct arena *a, size_t size, struct clean *clean)
{
    bool tried = false;
    trace(TRACE_WANT, size);
    struct chunk *c = take_fast(a, size);
    if (clean != NULL)
        clean->from = clean->to = 0;
    if (c == NULL)
        c = take_small(a, size);
    if (c != NULL)
        return c;
    a->depot.missed += size;
    for (;;) {
        c = take_sort(a, size);
        if (c == NULL && (c = bin_find(&a->bins, size)) != NULL)
            trace(TRACE_FIT, chunk_size(c));
        if (take_rested(a, c, size))
            continue;
        if (c != NULL)
            return take_split(a, c, size, clean);
        if (top_size(a) >= size + CHUNK_MIN)
            return top_cut(a, size, clean);
        if (!take_make_room(a, size, &tried))
            return NULL;
    }
}

struct chunk *arena_take_hole(struct arena *a, size_t size)
{
    /* Smaller chunks do not say what is resident. */
    if (size < TAIL_MIN || a->free_bytes - a->clean_bytes < size)
        return NULL;
    take_sort(a, SIZE_MAX);
    struct chunk *c = bin_find(&a->bins, size);
    if (c == NULL)
        return NULL;
    struct clean had = {c->clean_from, c->clean_to}, k = binned_clip(had, c, size);
    if (k.to - k.from > size / HOLE_CLEAN)
        return NULL;
    trace(TRACE_WANT, size);
    trace(TRACE_FIT, chunk_size(c));
    return take_split(a, c, size, NULL);
}

/* Where a chunk ends that was just cut. Others may write meanwhile, so it is verified. */
static uintptr_t take_end(const struct chunk *c)
{
    size_t size = chunk_size_if_out(&heap_keys, c);
    GUARD(size >= CHUNK_MIN, "corrupted free chunk: header", mem_of(c));
    return (uintptr_t)c + size;
}

/* Cuts an idle chunk of `have` bytes into `count` neighbours of `size`; the last one
 * keeps what is left. */
static void take_carve(struct arena *a, struct chunk *c, size_t have, size_t size,
                       size_t count, void **out)
{
    const struct chunk_keys keys = heap_keys; /* in registers, as the flags */
    uint32_t flags = IDLE_OUT | PREV_INUSE | a->flags;
    for (size_t i = 0; i + 1 < count; i++) {
        chunk_set_idle(&keys, c, size, flags);
        out[i] = mem_of(c);
        c = chunk_at(c, size);
        have -= size;
    }
    chunk_set_idle(&keys, c, have, flags);
    out[count - 1] = mem_of(c);
}

/* Up to `want` neighbours out of the smallest free chunk that holds one, or out of the
 * top; 0 when nothing fits. A run long enough for all of them would use up the long free
 * chunks, leave the holes, and lay what lives long among what does not. */
static size_t take_run(struct arena *a, size_t size, size_t want, void **out)
{
    take_sort(a, SIZE_MAX);
    struct chunk *c = bin_find(&a->bins, size);
    if (take_rested(a, c, size))
        return take_run(a, size, want, out);
    size_t count = want;
    if (c != NULL) {
        count = min_size(chunk_size(c) / size, want);
        trace(TRACE_FIT, chunk_size(c));
        c = take_split_to(a, c, size * count, NULL, binned_out_to_sorted);
    } else {
        size_t top = top_size(a);
        if (top < size + CHUNK_MIN)
            return 0;
        count = min_size((top - CHUNK_MIN) / size, want);
        c = top_cut(a, size * count, NULL);
    }
    trace(TRACE_CARVE, count);
    take_carve(a, c, take_end(c) - (uintptr_t)c, size, count, out);
    return count;
}

size_t arena_take_batch(struct arena *a, size_t size, size_t want, void **out)
{
    bool tried = false;
    size_t count = 0;
    trace(TRACE_WANT, size);
    while (count < want) {
        struct chunk *c = take_fast(a, size);
        if (c == NULL)
            c = take_small(a, size);
        if (c == NULL)
            break;
        out[count++] = mem_of(c);
    }
    while (count < want) {
        size_t got = take_run(a, size, want - count, out + count);
        count += got;
        if (got == 0 && (count != 0 || !take_make_room(a, size * want, &tried)))
            break;
    }
    return count;
}

/* What waits in the depot was often asked for with the same alignment. */
static struct chunk *take_waiting(struct arena *a, size_t size, size_t align)
{
    arena_absorb(a);
    unsigned class = size <= CLASS_LARGE_SIZE ? class_ceiling(size) : CLASS_COUNT;
    for (unsigned i = class; i < class + TAKE_NEXT && i < CLASS_COUNT; i++) {
        void *mem = depot_take_aligned(&a->depot, i, align);
        if (mem != NULL) {
            trace(TRACE_DEPOT_HIT, 1);
            return chunk_of(mem);
        }
    }
    return NULL;
}

/* A chunk with room for up to *count blocks whose mem lies `stride` apart, the first one
 * somewhere in `one` bytes; *count says for how many. */
static struct chunk *take_for_aligned(struct arena *a, size_t one, size_t stride,
                                      size_t *count)
{
    if (*count == 1)
        return arena_take(a, one, NULL);
    take_sort(a, SIZE_MAX);
    struct chunk *c = bin_find(&a->bins, one);
    size_t have =
        c != NULL ? chunk_size(c) : top_size(a) - min_size(top_size(a), CHUNK_MIN);
    if (have < one) {
        *count = 1;
        return arena_take(a, one, NULL);
    }
    *count = min_size(*count, 1 + (have - one) / stride);
    size_t room = one + (*count - 1) * stride;
    trace(TRACE_CARVE, *count);
    if (c == NULL)
        return top_cut(a, room, NULL);
    trace(TRACE_FIT, have);
    return take_split_to(a, c, room, NULL, binned_out_to_sorted);
}

/* What is left of `room` behind a block of `size`, if it is enough for a chunk. */
static size_t take_gap(size_t room, size_t size)
{
    return room - size >= CHUNK_MIN ? room - size : 0;
}

/* Cuts an idle chunk into blocks `stride` apart; what lies before, between and behind them
 * goes back. */
static void take_cut_aligned(struct arena *a, struct chunk *c, size_t size,
                             size_t align, size_t count, void **out)
{
    const uint32_t flags = IDLE_OUT | PREV_INUSE | a->flags;
    uint32_t first = IDLE_OUT | a->flags | (chunk_bits(c) & PREV_INUSE);
    uintptr_t mem = align_up((uintptr_t)mem_of(c), align), end = take_end(c);
    if (mem != (uintptr_t)mem_of(c) && mem - (uintptr_t)mem_of(c) < CHUNK_MIN)
        mem += align;
    size_t front = mem - (uintptr_t)mem_of(c), stride = align_up(size, align);
    size_t last = end - (uintptr_t)chunk_of((void *)(mem + (count - 1) * stride));
    /* All headers first: giving may consolidate, and that moves P in what is around. */
    if (front != 0)
        chunk_set_idle(&heap_keys, c, front, first);
    for (size_t i = 0; i < count; i++, mem += stride) {
        struct chunk *b = chunk_of((void *)mem);
        size_t room = i + 1 < count ? stride : last, gap = take_gap(room, size);
        chunk_set_idle(&heap_keys, b, room - gap, front == 0 && i == 0 ? first : flags);
        if (gap != 0)
            chunk_set_idle(&heap_keys, chunk_at(b, room - gap), gap, flags);
        out[i] = (void *)mem;
    }
    if (front != 0)
        arena_give(a, c);
    for (size_t i = 0; i < count; i++) {
        size_t room = i + 1 < count ? stride : last, gap = take_gap(room, size);
        if (gap != 0)
            arena_give(a, chunk_at(chunk_of(out[i]), room - gap));
    }
}

size_t arena_take_aligned_batch(struct arena *a, size_t size, size_t align, size_t want,
                                void **out)
{
    struct chunk *c = take_waiting(a, size, align);
    if (c != NULL) {
        out[0] = mem_of(c);
        return 1;
    }
    c = take_for_aligned(a, size + align + CHUNK_MIN, align_up(size, align), &want);
    if (c == NULL)
        return 0;
    take_cut_aligned(a, c, size, align, want, out);
    return want;
}

/* Takes `extra` bytes or more off the start of what lies behind a live chunk. */
static size_t take_behind(struct arena *a, struct chunk *next, size_t extra)
{
    if (next == a->top) {
        if (top_size(a) < extra + CHUNK_MIN && !top_grow(a, extra))
            return 0;
        if (next != a->top) /* a new heap elsewhere: what was the top is binned */
            return 0;
        trace(TRACE_EXTEND, extra);
        top_cut(a, extra, NULL);
        return extra;
    }
    if (chunk_size_if_binned(&heap_keys, next) < extra)
        return 0;
    trace(TRACE_EXTEND, chunk_size(next));
    return take_end(take_split(a, next, extra, NULL)) - (uintptr_t)next;
}

bool arena_may_extend(const struct arena *a, const struct chunk *c, size_t size)
{
    const struct chunk *next = chunk_next(c);
    uint32_t verdict = chunk_verdict(&heap_keys, next);
    if ((verdict != 0 && verdict != CHECK_MASK) || !chunk_prev_inuse(next))
        return true;
    if (next == atomic_load_explicit(&a->top, memory_order_relaxed))
        return true;
    return chunk_is_binned(&heap_keys, next) &&
           chunk_size(next) >= size - chunk_size(c);
}

bool arena_extend(struct arena *a, struct chunk *c, size_t size)
{
    size_t have = arena_size_again(c, CHUNK_MIN, size - 1);
    struct chunk *next = chunk_at(c, have);
    GUARD(chunk_is_valid(&heap_keys, next) && chunk_prev_inuse(next),
          "heap overflow: header behind the block was overwritten", mem_of(c));
    size_t got = take_behind(a, next, max_size(size - have, CHUNK_MIN));
    if (got == 0)
        return false;
    chunk_set_idle(&heap_keys, c, have + got,
                   (chunk_bits(c) & PREV_INUSE) | a->flags | IDLE_OUT);
    chunk_flip(c);
    a->counts.merges++;
    return true;
}
