/*
 * Lists of binned chunks. Small bins: one size each, first in first out. Large bins:
 * 32 a doubling, sorted by size, with a ring through the first chunk of each size. A
 * bitmap finds the next non-empty bin. Guarded by the arena's lock.
 * Notes: docs/notes/bins.md
 */
#ifndef CHUNKY_CORE_BIN_H
#define CHUNKY_CORE_BIN_H

#include "core/chunk.h"

enum {
    BIN_SMALL = 64,     /* bin i < 64 holds size 16 * i */
    BIN_STEPS = 32,     /* large bins a doubling */
    BIN_DOUBLINGS = 24, /* 1 KiB up to 16 GiB; larger ones share the last */
    BIN_COUNT = BIN_SMALL + BIN_STEPS * BIN_DOUBLINGS,
    BIN_WORDS = (BIN_COUNT + 63) / 64
};

struct bins {
    struct chunk *head[BIN_COUNT]; /* first chunk of each ring, or NULL */
    uint64_t map[BIN_WORDS];       /* bit i: head[i] is not NULL */
};

/* Bin of a chunk of `size`. */
static inline unsigned bin_index(size_t size)
{
    if (size < LARGE_MIN)
        return (unsigned)(size / CHUNK_ALIGN);
    unsigned doubling = log2_floor(size) - 10;
    if (doubling >= BIN_DOUBLINGS)
        return BIN_COUNT - 1;
    return BIN_SMALL + doubling * BIN_STEPS +
           ((unsigned)(size >> (doubling + 5)) & (BIN_STEPS - 1));
}

/* Ring primitives, also for the unsorted bin: every link is verified both ways, and
 * both neighbours must carry a valid idle header. */
void bin_ring_push(struct chunk **head, struct chunk *c); /* at the tail */
void bin_ring_unlink(struct chunk **head, struct chunk *c);

/* Puts an idle chunk of `size` into its bin. */
void bin_push(struct bins *b, struct chunk *c, size_t size);
/* Takes a chunk that lies in its bin out of it. */
void bin_unlink(struct bins *b, struct chunk *c, size_t size);
/* Smallest chunk of at least `size`, still in its bin, or NULL. Best fit. */
struct chunk *bin_find(const struct bins *b, size_t size);
/* Number of the next non-empty bin at or above `bin`, or BIN_COUNT. */
unsigned bin_next(const struct bins *b, unsigned bin);

#endif
