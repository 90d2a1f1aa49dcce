/*
 * The cold half of thread caches: refill, flush, making and ending a cache.
 * Notes: docs/notes/caches.md
 */
#ifndef CHUNKY_FRONT_CACHE_H
#define CHUNKY_FRONT_CACHE_H

#include "core/cache.h"

/* Read-only; empty and full at once. */
extern const struct cache cache_dummy;

struct cache *cache_create(void);
/* Gives everything in it back, and keeps the cache itself for the next thread, or not. */
void cache_destroy(struct cache *k);
/* Gives caches back that wait for a thread. */
void cache_free_parked(void);
/* Gives everything in it back; the cache stays. */
void cache_empty(struct cache *k);

/* Refills a class in one visit of an arena and returns one idle mem of it, or NULL and
 * ENOMEM. */
void *cache_fill(struct cache *k, unsigned class);
/* Makes room in a full class, in one visit of each arena at most, and pushes `mem`. */
void cache_flush(struct cache *k, unsigned class, void *mem);

/* The same for the large classes, one block at a time: an idle mem that is cached, or
 * NULL; and an idle chunk to keep, which goes to its arena if the budget is used up. */
void *cache_take_large(struct cache *k, unsigned class);
void cache_keep_large(struct cache *k, unsigned class, struct chunk *c);
/* A chunk was taken that no cache had. Where heaps grew for such, large chunks that idle here
 * go home, to become what is asked for next. */
void cache_note_taken(struct cache *k);

/* One of the newest few blocks of a class, or of one a little above, whose address is a
 * multiple of `align`, out of its stack, or NULL. */
void *cache_take_aligned(struct cache *k, unsigned class, size_t align);
/* When there is none, and this class missed the same alignment before: fetches some into the class,
 * or one a little above, and returns one idle mem; else, or without room for any, NULL. */
void *cache_fill_aligned(struct cache *k, unsigned class, size_t align);

/* Gives one idle chunk that no cache takes to its arena; waits for a lock only without
 * memory for a magazine. */
void cache_give_large(struct chunk *c);

/* The list of caches, for fork and for sums. */
void cache_list_lock(void);
void cache_list_unlock(void);
/* In a fork's child, with the list locked: only the calling thread's cache has an owner
 * left. The others' threads were anywhere in their code, so nothing of them is used. */
void cache_list_orphan(const struct cache *own);

#endif
