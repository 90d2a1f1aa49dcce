/*
 * From a thread's cache to the arenas where its chunks are at home: pointers in magazines,
 * one visit an arena. Notes: docs/notes/caches.md#flush
 */
#ifndef CHUNKY_FRONT_CACHE_SEND_H
#define CHUNKY_FRONT_CACHE_SEND_H

#include "core/cache.h"

#include <stdbool.h>

/* Keeps a list of empty magazines for the next time. */
void cache_keep_spares(struct cache *k, struct magazine *list);
/* Sends `count` pointers home, each arena's in one go. Reorders mem. */
void cache_send_all(struct cache *k, unsigned class, void **mem, size_t count);
/* Sends of the older half of a full class what is at home in the cache's own arena; nothing
 * when that is locked or the oldest block is not. */
void cache_send_half(struct cache *k, unsigned class);
/* Which classes send something. */
enum cache_part {
    CACHE_HALVES, /* those that are half full, the older half */
    CACHE_IDLE,   /* those without fill or flush since the last peak, all of it */
    CACHE_ALL     /* every one, all of it */
};
/* Sends what is at home in the cache's own arena, in one visit; nothing when the arena is
 * locked. Returns how many classes gave some. Idle ones go on into the bins, joined, with
 * what waits in the depot. */
unsigned cache_send_own(struct cache *k, enum cache_part part);

#endif
