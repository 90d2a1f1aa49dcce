/*
 * Named heaps: an arena of its own for what belongs together, that no thread chooses and
 * no cache holds blocks of. Its blocks record what was asked for (flag R), so that the
 * hot path of free never takes one. Notes: docs/notes/named.md
 */
#ifndef CHUNKY_FRONT_NAMED_H
#define CHUNKY_FRONT_NAMED_H

#include "core/arena.h"

struct chunky_heap;

/* The arena that a handle is; one that is none, or no more, is a finding. */
struct arena *named_arena(struct chunky_heap *heap);

/* The arena of the named heap that a verified live block belongs to, or NULL. */
struct arena *named_find(struct chunk *c);
static inline struct arena *named_of(struct chunk *c)
{
    return LIKELY((chunk_bits(c) & HAS_REQUEST) == 0) ? NULL : named_find(c);
}

/* free and realloc of such a block, whoever calls them; bytes is not 0. */
void named_free(struct arena *a, struct chunk *c);
void *named_realloc(struct arena *a, struct chunk *c, size_t bytes);

#endif
