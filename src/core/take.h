/*
 * Cutting chunks out of free space, shared by arena_take and its kin. Arena lock held.
 */
#ifndef CHUNKY_CORE_TAKE_H
#define CHUNKY_CORE_TAKE_H

#include "core/binned.h"

/* Bytes from c to the fence of the top's heap, and of the top chunk, 0 when there is none.
 * From sealed words: its header lies where an overflow of the last block can write. */
static inline size_t top_size_from(const struct arena *a, const struct chunk *c)
{
    const struct heap *h = a->top_heap;
    GUARD(heap_is_bounded(h) && h->end > (uintptr_t)c,
          "corrupted heap: its end was overwritten", h);
    return (size_t)((uintptr_t)heap_fence(h) - (uintptr_t)c);
}

static inline size_t top_size(const struct arena *a)
{
    return a->top == NULL ? 0 : top_size_from(a, a->top);
}

/* A link of the fast bin of `size` led to c. */
static ALWAYS_INLINE void fast_verify(const struct chunk *c, size_t size)
{
    GUARD(((uintptr_t)c & (CHUNK_ALIGN - 1)) == 0 && size != 0 &&
              chunk_size_if_in(&heap_keys, c, IDLE_FAST) == size,
          "corrupted fast bin: link leads to no chunk of this bin", mem_of(c));
}

/* The newest chunk of a fast bin that is not empty, out of it; its header is still that of
 * one in it. */
static ALWAYS_INLINE struct chunk *fast_pop(struct arena *a, size_t bin)
{
    struct chunk *c = a->fast[bin];
    size_t size = bin * CHUNK_ALIGN;
    fast_verify(c, size);
    binned_verify_home(a, c);
    a->fast[bin] = c->fd;
    a->fast_bytes -= size;
    return c;
}

/* Makes the space from c to the top heap's fence the top chunk. */
void top_set(struct arena *a, struct chunk *c);
/* Resident whole free pages of the top, bytes. */
size_t top_dirty(const struct arena *a);
/* Makes the top at least `need` bytes larger than CHUNK_MIN: grows its heap or starts a
 * new one. False and ENOMEM on failure. */
bool top_grow(struct arena *a, size_t need);
/* Cuts `size` bytes off the top's start; the caller has compared sizes. */
struct chunk *top_cut(struct arena *a, size_t size, struct clean *clean);

/* An idle chunk, verified, with `clean` in it: merges it with both neighbours and bins
 * it. */
void give_merged(struct arena *a, struct chunk *c, size_t size, struct clean clean);

#endif
