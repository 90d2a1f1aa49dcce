/*
 * Pointers to chunks, put in the order of their addresses without comparing them: one bit
 * for each place where a chunk can lie, in a window of some MiB. State: the arena's whose
 * lock is held. Notes: docs/notes/arenas.md#drain
 */
#ifndef CHUNKY_CORE_ORDER_H
#define CHUNKY_CORE_ORDER_H

#include "core/chunk.h"

enum {
    ORDER_GROUPS = 251, /* so that it takes 128 KiB */
    ORDER_WORDS = ORDER_GROUPS * 64,
    ORDER_BYTES = ORDER_WORDS * 64 * CHUNK_ALIGN /* of addresses */
};

struct order {
    uintptr_t base; /* of the first bit */
    unsigned at;    /* group that is looked at next */
    /* All 0 between two uses. */
    uint64_t words[ORDER_GROUPS]; /* bit: that one of the 64 words is not 0 */
    uint64_t bits[ORDER_WORDS];
};

/* Begins an empty window at `low`, where a chunk could lie. */
static inline void order_begin(struct order *o, uintptr_t low)
{
    o->base = low;
    o->at = 0;
}

static inline bool order_holds(const struct order *o, const void *mem)
{
    return (uintptr_t)mem - o->base < ORDER_BYTES;
}

/* Puts in a pointer that the window holds; false if it is in it already. */
static ALWAYS_INLINE bool order_add(struct order *o, const void *mem)
{
    size_t bit = ((uintptr_t)mem - o->base) / CHUNK_ALIGN, word = bit / 64;
    uint64_t mask = 1ULL << (bit % 64), had = o->bits[word];
    o->bits[word] = had | mask;
    if (had == 0)
        set_add(o->words, (unsigned)word);
    return (had & mask) == 0;
}

/* Takes up to `most` pointers out, the lowest first. Returns how many. */
size_t order_take(struct order *o, void **out, size_t most);

#endif
