/*
 * Chunks that are free and merged: from the outside into the unsorted bin, from there
 * into the sorted bins, and out again. Keeps the arena's sums of free and dirty bytes.
 * Arena lock held. Notes: docs/notes/bins.md#states
 */
#ifndef CHUNKY_CORE_BINNED_H
#define CHUNKY_CORE_BINNED_H

#include "base/check.h"
#include "core/arena.h"

/* Whole pages that a free chunk of `size` could give back. */
struct clean binned_interior(const struct chunk *c, size_t size);
/* `k` cut down to the interior of the chunk; empty ones become {0, 0}. */
struct clean binned_clip(struct clean k, const struct chunk *c, size_t size);
/* Resident whole pages of a binned chunk, bytes. */
size_t binned_dirty(const struct chunk *c, size_t size);

/* An idle chunk whose neighbours are not binned goes to the unsorted bin. Its P must
 * be set. */
void binned_out_to_unsorted(struct arena *a, struct chunk *c, size_t size,
                            struct clean clean);
/* The same, at once into its sorted bin: for runs that come many at a time. */
void binned_out_to_sorted(struct arena *a, struct chunk *c, size_t size,
                          struct clean clean);
/* Sorts one chunk of the unsorted bin. */
void binned_unsorted_to_sorted(struct arena *a, struct chunk *c);
/* Takes a binned chunk out, wherever it is; the next chunk's P becomes set. Returns
 * what of it is clean. Every header and link is verified. */
struct clean binned_to_out(struct arena *a, struct chunk *c, size_t size);
/* The same for one that a list led to, and not a neighbour. */
struct clean binned_take(struct arena *a, struct chunk *c, size_t size);

/* A list of the arena led to c, whose header is right for such a list: it may still be
 * another arena's. */
static ALWAYS_INLINE void binned_verify_home(const struct arena *a,
                                             const struct chunk *c)
{
    GUARD(arena_holds(a, c), "corrupted bin: link leads out of the arena", mem_of(c));
}

#endif
