/*
 * Heaps: creation, growth, shrinking; see heap.h. State: the header secrets, the span
 * of break addresses, and the spare heaps that any arena may take (lock rank SPARE).
 */
#include "core/heap.h"

#include "base/check.h"
#include "core/limit.h"
#include "core/meta.h"
#include "os/lock.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

#ifndef CHUNKY_HARD_GROW
#define CHUNKY_HARD_GROW 0
#endif

enum {
    SPARE_MAX = 8,        /* whole free heaps kept reserved for other arenas */
    STEP_MIN = 128 * KIB, /* least growth of a heap */
    STEP_MAX = 16 * MIB
};

struct chunk_keys heap_keys;

static _Atomic uintptr_t heap_break_low, heap_break_high;

struct heap_spare heap_spare = {.lock = LOCK_INIT(RANK_SPARE)};

bool heap_in_break(const void *address)
{
    uintptr_t low = atomic_load_explicit(&heap_break_low, memory_order_relaxed);
    uintptr_t high = atomic_load_explicit(&heap_break_high, memory_order_relaxed);
    return (uintptr_t)address - low < high - low;
}

bool heap_may_hold(const void *address, size_t size)
{
    size_t behind = heap_in_break(address)
                        ? atomic_load_explicit(&heap_break_high, memory_order_relaxed) -
                              (uintptr_t)address
                        : HEAP_SPAN - ((uintptr_t)address & (HEAP_SPAN - 1));
    return size >= CHUNK_MIN && size <= behind;
}

/* Writes the header that ends the heap. It counts as live for ever: P is all it has. */
static void heap_set_fence(struct heap *h, bool prev_inuse)
{
    struct chunk *fence = heap_fence(h);
    chunk_set_idle(&heap_keys, fence, FENCE_SIZE,
                   h->flags | (prev_inuse ? PREV_INUSE : 0));
    chunk_flip(fence);
}

/* The heap grew or shrank up to there. `prev_inuse`: what the fence said. */
static void heap_set_end(struct heap *h, uintptr_t end, bool prev_inuse)
{
    h->end = end;
    h->bound = heap_bound(h);
    if (h->kind == HEAP_BREAK) {
        h->limit = end;
        atomic_store_explicit(&heap_break_high, end, memory_order_relaxed);
    }
    heap_set_fence(h, prev_inuse);
}

/* One idle chunk over the whole heap. */
static void heap_fill(struct heap *h)
{
    heap_set_fence(h, true);
    size_t size = (size_t)((uintptr_t)heap_fence(h) - (uintptr_t)h->first);
    chunk_set_idle(&heap_keys, h->first, size, h->flags | PREV_INUSE);
}

/* How much a heap grows when `need` bytes are missing: by an eighth of itself, so that
 * system calls stay rare and the rest stays untouched. */
static size_t heap_step(const struct heap *h, size_t need, size_t pad)
{
    size_t page = os_page_size();
    if (CHUNKY_HARD_GROW)
        return align_up(need, page);
    size_t step = clamp_size(h == NULL ? 0 : heap_size(h) / 8, STEP_MIN, STEP_MAX);
    return align_up(max_size(need, step) + pad, page);
}

/* The break moved up, or memory committed, as far as the limit allows. */
static void *heap_break_up(size_t size)
{
    if (!limit_charge(size))
        return NULL;
    void *start = os_break((intptr_t)size);
    if (start == NULL)
        limit_release(size);
    return start;
}

static bool heap_commit(void *start, size_t size)
{
    if (!limit_charge(size))
        return false;
    bool done = os_commit(start, size);
    if (!done)
        limit_release(size);
    return done;
}

struct heap *heap_create_break(struct arena *a, size_t need, const struct tune *t)
{
    size_t page = os_page_size();
    size_t room = need + 2 * CHUNK_HEADER; /* the fence, and the start's alignment */
    size_t size = heap_step(NULL, room, t->top_pad);
    struct heap *h = meta_take(sizeof *h);
    if (h == NULL)
        return NULL;
    char *start = heap_break_up(size);
    if (start == NULL && size > align_up(room, page)) {
        size = align_up(room, page);
        start = heap_break_up(size);
    }
    if (start == NULL) {
        meta_give(h, sizeof *h);
        return NULL;
    }
    /* The break need not be aligned, and somebody else may have moved it: then the
     * heap ends at the last whole page. */
    uintptr_t end = (uintptr_t)start + size;
    size_t ragged = align_up(end, page) - end;
    if (ragged != 0 && os_break((intptr_t)ragged) == (void *)end) {
        limit_add(ragged);
        end += ragged;
    }
    h->magic = HEAP_MAGIC;
    h->arena = a;
    h->seal = heap_seal(h);
    h->start = (uintptr_t)start;
    h->end = h->limit = align_down(end, CHUNK_ALIGN);
    h->first = (struct chunk *)align_up(h->start, CHUNK_ALIGN);
    h->kind = HEAP_BREAK;
    heap_fill(h);
    uintptr_t low = atomic_load_explicit(&heap_break_low, memory_order_relaxed);
    if (low == 0 || h->start < low)
        atomic_store_explicit(&heap_break_low, h->start, memory_order_relaxed);
    if (h->end > atomic_load_explicit(&heap_break_high, memory_order_relaxed))
        atomic_store_explicit(&heap_break_high, h->end, memory_order_relaxed);
    return h;
}

static struct heap *heap_take_spare(void)
{
    if (!lock_take_or_leave(&heap_spare.lock))
        return NULL;
    struct heap *h = heap_spare.first;
    if (h != NULL) {
        GUARD(h->arena == NULL && h->seal == heap_seal(h),
              "corrupted heap: link of one that waits for an arena", h);
        heap_spare.first = h->next;
        heap_spare.count--;
    }
    lock_give(&heap_spare.lock);
    return h;
}

struct heap *heap_create_spanned(struct arena *a, size_t need, uint32_t flags,
                                 const struct tune *t)
{
    size_t page = os_page_size();
    size_t room = align_up(need + sizeof(struct heap) + 4 * CHUNK_HEADER, page);
    if (room > HEAP_SPAN || room < need) {
        errno = ENOMEM;
        return NULL;
    }
    struct heap *h = heap_take_spare();
    if (h == NULL)
        h = os_reserve_aligned(HEAP_SPAN, HEAP_SPAN);
    if (h == NULL)
        return NULL;
    size_t size = min_size(heap_step(NULL, room, t->top_pad), HEAP_SPAN);
    if (!heap_commit(h, size)) {
        size = room;
        if (!heap_commit(h, size)) {
            os_unmap(h, HEAP_SPAN);
            errno = ENOMEM;
            return NULL;
        }
    }
    h->magic = HEAP_MAGIC;
    h->arena = a;
    h->seal = heap_seal(h);
    h->next = NULL;
    h->start = (uintptr_t)h;
    h->end = h->start + size;
    h->limit = h->start + HEAP_SPAN;
    h->first = heap_first_of(h);
    h->kind = HEAP_SPANNED;
    h->flags = flags;
    h->bound = heap_bound(h);
    heap_fill(h);
    return h;
}

static size_t heap_grow_break(struct heap *h, size_t need, const struct tune *t)
{
    size_t size = heap_step(h, need, t->top_pad);
    char *start = heap_break_up(size);
    if (start == NULL && size > align_up(need, os_page_size())) {
        size = align_up(need, os_page_size());
        start = heap_break_up(size);
    }
    if (start == NULL)
        return 0;
    if ((uintptr_t)start != h->end) {
        /* Somebody moved the break. What we just got goes back if it is still last;
         * the caller starts a new heap behind the foreign memory. */
        if (os_break(0) == start + size)
            os_break(-(intptr_t)size);
        limit_release(size);
        return 0;
    }
    return size;
}

static size_t heap_grow_spanned(struct heap *h, size_t need, const struct tune *t)
{
    size_t left = h->limit - h->end;
    if (need > left)
        return 0;
    size_t size = min_size(heap_step(h, need, t->top_pad), left);
    if (!heap_commit((void *)h->end, size)) {
        size = align_up(need, os_page_size());
        if (size > left || !heap_commit((void *)h->end, size))
            return 0;
    }
    return size;
}

size_t heap_grow(struct heap *h, size_t need, const struct tune *t)
{
    bool prev_inuse = chunk_prev_inuse(heap_fence(h));
    size_t size = h->kind == HEAP_BREAK ? heap_grow_break(h, need, t)
                                        : heap_grow_spanned(h, need, t);
    if (size == 0)
        return 0;
    /* The old fence becomes part of the top, whose clean pages count as zero. */
    memset(heap_fence(h), 0, CHUNK_HEADER);
    heap_set_end(h, h->end + size, prev_inuse);
    return size;
}

size_t heap_shrink(struct heap *h, size_t excess)
{
    size_t size = align_down(excess, os_page_size());
    bool prev_inuse = chunk_prev_inuse(heap_fence(h));
    if (size == 0)
        return 0;
    if (h->kind == HEAP_SPANNED) {
        os_decommit((void *)(h->end - size), size);
    } else {
        if ((uintptr_t)os_break(0) != h->end)
            return 0; /* foreign memory lies behind ours */
        if (os_break(-(intptr_t)size) == NULL)
            return 0;
    }
    limit_release(size);
    heap_set_end(h, h->end - size, prev_inuse);
    return size;
}

void heap_destroy(struct heap *h)
{
    size_t page = os_page_size();
    /* The caller compared chunks with these words, which an underflow reaches. */
    GUARD(((uintptr_t)h & (HEAP_SPAN - 1)) == 0 && heap_is_bounded(h),
          "corrupted heap: its bounds were overwritten", h);
    size_t keep = align_up(sizeof *h, page);
    limit_release(heap_size(h)); /* a spare's one page counts for nobody */
    bool locked = lock_take_or_leave(&heap_spare.lock);
    bool spare = locked && heap_spare.count < SPARE_MAX;
    if (spare) {
        if (h->end - h->start > keep)
            os_decommit((char *)h + keep, h->end - h->start - keep);
        h->arena = NULL;
        h->end = h->start + keep;
        h->next = heap_spare.first;
        h->seal = heap_seal(h);
        heap_spare.first = h;
        heap_spare.count++;
    }
    if (locked)
        lock_give(&heap_spare.lock);
    if (!spare)
        os_unmap(h, HEAP_SPAN);
}

size_t heap_unmap_spares(void)
{
    size_t total = 0;
    struct heap *h;
    while ((h = heap_take_spare()) != NULL) {
        os_unmap(h, HEAP_SPAN);
        total += HEAP_SPAN;
    }
    return total;
}

void heap_lock(void)
{
    lock_take(&heap_spare.lock);
}

void heap_unlock(void)
{
    lock_give(&heap_spare.lock);
}
