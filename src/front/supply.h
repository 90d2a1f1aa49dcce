/*
 * Chunks for requests that no cache serves: from the thread's arena, from another one,
 * and at last from what the process holds back for speed. No state.
 */
#ifndef CHUNKY_FRONT_SUPPLY_H
#define CHUNKY_FRONT_SUPPLY_H

#include "core/arena.h"

/* An idle chunk of at least `size` whose mem is a multiple of `align`, out of any arena;
 * NULL and ENOMEM when none has room or may grow. `clean` may be NULL. */
struct chunk *supply_take(size_t size, size_t align, struct clean *clean);

/* An idle chunk of a large `size` from the thread's arena, if a free one that is resident holds
 * it; else, or where that would have to wait, NULL. */
struct chunk *supply_take_hole(size_t size);

/* So many bytes are about to be mapped: where that would be a new peak, what the thread's arena
 * keeps for a while beyond its budget makes room. */
void supply_yield(size_t bytes);

/* Gives back to the system what is idle in every arena, this thread's cache and kept
 * mappings, but for `pad` bytes of the main top. Returns bytes of pages or addresses. */
size_t supply_give_back(size_t pad);
/* Gives back what was to be kept for a while that is over: an arena that nobody visits any
 * more, and a kept mapping, would stay as they are. No lock is held. */
void supply_expire(void);
/* Bytes of heaps and kept mappings that are resident; asks the kernel, page by page. */
size_t supply_resident(void);
/* After a failed request of `bytes`: the same, and the spare heaps. True when it is worth
 * asking once more. */
bool supply_reclaim(size_t bytes);

#endif
