/* Transitions of free, merged chunks; see binned.h. State: in the arena. */
#include "core/binned.h"

#include "base/check.h"
#include "core/trace.h"
#include "os/os.h"

struct clean binned_interior(const struct chunk *c, size_t size)
{
    size_t page = os_page_size();
    struct clean k = {align_up((uintptr_t)c + sizeof *c, page),
                      align_down((uintptr_t)c + size, page)};
    if (k.to <= k.from)
        k.from = k.to = 0;
    return k;
}

struct clean binned_clip(struct clean k, const struct chunk *c, size_t size)
{
    struct clean inside = binned_interior(c, size);
    if (k.from < inside.from)
        k.from = inside.from;
    if (k.to > inside.to)
        k.to = inside.to;
    if (k.to <= k.from)
        k.from = k.to = 0;
    return k;
}

size_t binned_dirty(const struct chunk *c, size_t size)
{
    if (size < TAIL_MIN)
        return 0;
    struct clean inside = binned_interior(c, size);
    GUARD(c->clean_from == c->clean_to ||
              (c->clean_from >= inside.from && c->clean_to <= inside.to &&
               c->clean_from < c->clean_to),
          "corrupted free chunk: range of clean pages", mem_of(c));
    return (inside.to - inside.from) - (c->clean_to - c->clean_from);
}

/* Whether a link of a dirty list may lead there: smaller chunks have no such links, and
 * what was handed out since is somebody's. */
static bool binned_may_be_dirty(const struct arena *a, const struct chunk *c)
{
    return ((uintptr_t)c & (CHUNK_ALIGN - 1)) == 0 &&
           chunk_size_if_binned(&heap_keys, c) >= TAIL_MIN && arena_holds(a, c);
}

static void binned_dirty_link(struct arena *a, struct chunk *c, size_t dirty)
{
    unsigned list = dirty >= DIRTY_LONG ? DIRTY_LONG_LIST : DIRTY_SHORT_LIST;
    struct chunk *newest = a->dirty_newest[list];
    GUARD(newest == NULL ||
              (binned_may_be_dirty(a, newest) && newest->dirty_next == NULL),
          "corrupted free chunk: list of dirty chunks", mem_of(newest));
    c->dirty_next = NULL;
    c->dirty_prev = newest;
    if (newest != NULL)
        newest->dirty_next = c;
    else
        a->dirty_oldest[list] = c;
    a->dirty_newest[list] = c;
    a->dirty_bytes[list] += dirty;
}

static void binned_dirty_unlink(struct arena *a, struct chunk *c, size_t dirty)
{
    unsigned list = dirty >= DIRTY_LONG ? DIRTY_LONG_LIST : DIRTY_SHORT_LIST;
    struct chunk *next = c->dirty_next, *prev = c->dirty_prev;
    GUARD(next == NULL ? a->dirty_newest[list] == c
                       : binned_may_be_dirty(a, next) && next->dirty_prev == c,
          "corrupted free chunk: list of dirty chunks", mem_of(c));
    GUARD(prev == NULL ? a->dirty_oldest[list] == c
                       : binned_may_be_dirty(a, prev) && prev->dirty_next == c,
          "corrupted free chunk: list of dirty chunks", mem_of(c));
    if (next == NULL)
        a->dirty_newest[list] = prev;
    else
        next->dirty_prev = prev;
    if (prev == NULL)
        a->dirty_oldest[list] = next;
    else
        prev->dirty_next = next;
    a->dirty_bytes[list] -= dirty;
}

/* Header, footer, and the neighbour's P of a chunk that goes into a bin. What is left of
 * a split chunk has no header yet. */
static ALWAYS_INLINE void binned_mark(const struct arena *a, struct chunk *c,
                                      size_t size, uint32_t state)
{
    chunk_set_idle(&heap_keys, c, size, state | PREV_INUSE | a->flags);
    chunk_set_footer(c, size);
    chunk_set_prev_inuse(chunk_at(c, size), false);
}

static ALWAYS_INLINE void binned_count(struct arena *a, struct chunk *c, size_t size,
                                       struct clean clean)
{
    a->free_bytes += size;
    a->free_count++;
    if (size < TAIL_MIN)
        return;
    clean = binned_clip(clean, c, size);
    c->clean_from = clean.from;
    c->clean_to = clean.to;
    a->clean_bytes += clean.to - clean.from;
    size_t dirty = binned_dirty(c, size);
    if (dirty != 0)
        binned_dirty_link(a, c, dirty);
}

void binned_out_to_unsorted(struct arena *a, struct chunk *c, size_t size,
                            struct clean clean)
{
    trace(TRACE_UNSORTED_PUT, size);
    binned_mark(a, c, size, IDLE_UNSORTED);
    bin_ring_push(&a->unsorted, c);
    binned_count(a, c, size, clean);
}

void binned_out_to_sorted(struct arena *a, struct chunk *c, size_t size,
                          struct clean clean)
{
    trace(TRACE_SORT, size);
    binned_mark(a, c, size, IDLE_BINNED);
    bin_push(&a->bins, c, size);
    binned_count(a, c, size, clean);
}

void binned_unsorted_to_sorted(struct arena *a, struct chunk *c)
{
    size_t size = chunk_size_if_in(&heap_keys, c, IDLE_UNSORTED);
    GUARD(size != 0, "corrupted unsorted chunk: header", mem_of(c));
    binned_verify_home(a, c);
    bin_ring_unlink(&a->unsorted, c);
    chunk_set_idle(&heap_keys, c, size, IDLE_BINNED | PREV_INUSE | a->flags);
    bin_push(&a->bins, c, size);
}

struct clean binned_to_out(struct arena *a, struct chunk *c, size_t size)
{
    struct clean clean = {0, 0};
    struct chunk *next = chunk_at(c, size);
    GUARD(chunk_size_if_binned(&heap_keys, c) == size, "corrupted free chunk: header",
          mem_of(c));
    GUARD(next->prev_size == size, "corrupted free chunk: footer", mem_of(c));
    GUARD(!chunk_prev_inuse(next), "corrupted free chunk: P of its neighbour",
          mem_of(c));
    if (chunk_idle_state(c) == IDLE_UNSORTED)
        bin_ring_unlink(&a->unsorted, c);
    else
        bin_unlink(&a->bins, c, size);
    a->free_bytes -= size;
    a->free_count--;
    if (size >= TAIL_MIN) {
        size_t dirty = binned_dirty(c, size);
        clean.from = c->clean_from;
        clean.to = c->clean_to;
        a->clean_bytes -= clean.to - clean.from;
        if (dirty != 0)
            binned_dirty_unlink(a, c, dirty);
    }
    chunk_set_idle(&heap_keys, c, size, IDLE_OUT | PREV_INUSE | a->flags);
    chunk_set_prev_inuse(next, true);
    return clean;
}

struct clean binned_take(struct arena *a, struct chunk *c, size_t size)
{
    binned_verify_home(a, c);
    return binned_to_out(a, c, size);
}
