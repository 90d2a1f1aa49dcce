/*
 * The top chunk: the free space before the fence of an arena's newest heap. State: in
 * the arena; see take.h. Notes: docs/notes/arenas.md#top
 */
#include "core/take.h"

#include "base/check.h"
#include "core/binned.h"
#include "core/limit.h"
#include "core/mapped.h"
#include "core/trace.h"
#include "os/os.h"

#include <errno.h>

void top_set(struct arena *a, struct chunk *c)
{
    size_t size = top_size_from(a, c);
    uintptr_t first_page = align_up((uintptr_t)c + CHUNK_HEADER, os_page_size());
    chunk_set_idle(&heap_keys, c, size, IDLE_OUT | PREV_INUSE | a->flags);
    atomic_store_explicit(&a->top, c, memory_order_relaxed);
    if (a->top_clean < first_page)
        a->top_clean = first_page;
}

size_t top_dirty(const struct arena *a)
{
    if (a->top == NULL)
        return 0;
    /* As a free chunk it would have all members, so only pages behind them can go. */
    uintptr_t from = align_up((uintptr_t)a->top + sizeof *a->top, os_page_size());
    uintptr_t to = align_down((uintptr_t)heap_fence(a->top_heap), os_page_size());
    if (a->top_clean < to)
        to = a->top_clean;
    return to > from ? to - from : 0;
}

/* The old top becomes an ordinary free chunk of its heap. */
static void top_retire(struct arena *a)
{
    struct chunk *c = a->top;
    if (c == NULL)
        return;
    size_t size = top_size(a);
    GUARD(chunk_is_idle(&heap_keys, c), "corrupted top chunk: header", mem_of(c));
    struct clean clean = {a->top_clean, (uintptr_t)c + size};
    a->top = NULL;
    a->top_heap = NULL;
    binned_out_to_unsorted(a, c, size, clean);
}

/* At a new peak what is kept for a while goes first, here and in mappings. */
static void top_note_growth(struct arena *a, size_t bytes)
{
    mapped_yield(bytes);
    if (a->widened != 0 && limit_is_peak(0))
        a->yields += bytes;
}

static bool top_new_heap(struct arena *a, size_t need)
{
    struct heap *h = NULL;
    if (a->index == 0 && a->tune->sbrk != 0)
        h = heap_create_break(a, need, a->tune);
    if (h == NULL)
        h = heap_create_spanned(a, need, a->flags, a->tune);
    if (h == NULL) {
        errno = ENOMEM;
        return false;
    }
    top_retire(a);
    h->next = a->heaps;
    a->heaps = h;
    a->heap_count++;
    a->top_heap = h;
    a->heap_bytes += heap_size(h);
    top_note_growth(a, heap_size(h));
    trace(TRACE_HEAP_NEW, heap_size(h));
    a->top_clean = a->top_purged = 0;
    top_set(a, h->first);
    return true;
}

bool top_grow(struct arena *a, size_t need)
{
    need += CHUNK_MIN;
    a->counts.grows++;
    trace(TRACE_TOP_SMALL, top_size(a));
    if (a->top != NULL) {
        size_t have = top_size(a);
        size_t got = heap_grow(a->top_heap, need > have ? need - have : 0, a->tune);
        if (got != 0) {
            a->heap_bytes += got;
            top_note_growth(a, got);
            trace(TRACE_HEAP_GROW, got);
            top_set(a, a->top);
            return true;
        }
    }
    return top_new_heap(a, need);
}

/* Pages of the top are used that were not resident; whether they ever were, the sum tells. */
static void top_note_touched(struct arena *a)
{
    uintptr_t fence = (uintptr_t)heap_fence(a->top_heap);
    size_t clean = fence - min_size(fence, a->top_clean);
    size_t touched = a->heap_bytes - min_size(a->heap_bytes, clean);
    if (touched > atomic_load_explicit(&a->touched, memory_order_relaxed))
        atomic_store_explicit(&a->touched, touched, memory_order_relaxed);
}

/* Purged memory that is used again soon was purged too early: for a while the arena may
 * keep as much more. */
static void top_widen(struct arena *a, uintptr_t from, uintptr_t to)
{
    if (to > a->top_purged)
        to = a->top_purged;
    if (to > from)
        arena_note_reuse(a, to - from);
}

struct chunk *top_cut(struct arena *a, size_t size, struct clean *clean)
{
    struct chunk *c = a->top;
    GUARD(chunk_is_idle(&heap_keys, c), "corrupted top chunk: header", mem_of(c));
    ASSERT(chunk_size(c) >= size + CHUNK_MIN);
    uintptr_t old_clean = a->top_clean;
    trace(TRACE_TOP_CUT, size);
    top_set(a, chunk_at(c, size));
    chunk_set_idle(&heap_keys, c, size, IDLE_OUT | PREV_INUSE | a->flags);
    if (a->top_clean > old_clean) {
        top_note_touched(a);
        top_widen(a, old_clean, a->top_clean);
    }
    if (clean != NULL) {
        clean->from = old_clean;
        clean->to = align_down((uintptr_t)c + size, os_page_size());
        if (clean->to <= clean->from)
            clean->from = clean->to = 0;
    }
    return c;
}
