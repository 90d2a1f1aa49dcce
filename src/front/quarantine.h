/*
 * Level 2: freed blocks rest before they are used again, zeroed; whoever writes to them
 * is found when they leave. Each thread has its own, bounded by number and bytes; which
 * one leaves is partly chance. Threads without a cache share one (lock, rank
 * QUARANTINE). Notes: docs/notes/checks.md#quarantine
 */
#ifndef CHUNKY_FRONT_QUARANTINE_H
#define CHUNKY_FRONT_QUARANTINE_H

#include "core/cache.h"

enum { QUARANTINE_QUEUE = 1024, QUARANTINE_CHANCE = 64 };

struct resting {
    struct chunk *chunk; /* NULL: the place is empty */
    uint32_t bits;       /* of its header, without P, as it was when it came */
    uint32_t tag;
};

/* A block joins the queue; when that is full its oldest takes a random place, and whom it
 * drives out leaves. */
struct quarantine {
    bool busy;             /* a signal handler that comes between keeps out */
    uint32_t first, count; /* the queue's oldest, and how many */
    uint32_t next;         /* random places that are driven out next, a byte each */
    _Atomic size_t bytes;  /* of chunks in both; its thread writes */
    uint64_t random;       /* state of the generator */
    struct resting queue[QUARANTINE_QUEUE];
    struct resting chance[QUARANTINE_CHANCE];
};

/* Tells the outside what a quarantine looks like. */
void quarantine_describe(void);

/* Takes a verified live block that is not mapped; frees others that leave in turn. k:
 * the calling thread's cache, or NULL. */
void quarantine_give(struct cache *k, struct chunk *c);
/* The same, when the header's lower half is known, but for P. */
void quarantine_give_hit(struct cache *k, struct chunk *c, uint32_t bits);
static ALWAYS_INLINE size_t quarantine_count(const struct quarantine *q)
{
    return atomic_load_explicit(&q->bytes, memory_order_relaxed);
}

/* Bytes of chunks that rest in this thread's, the list of caches locked; a guess while
 * it runs. */
static inline size_t quarantine_bytes(const struct cache *k)
{
    const struct quarantine *q = k->quarantine;
    return q == NULL ? 0 : quarantine_count(q);
}

/* Everything in the calling thread's quarantine leaves. */
void quarantine_empty(struct cache *k);
/* The same, and there is none any more. */
void quarantine_end(struct cache *k);

/* Looks at all of the calling thread and the shared: a write after free is a finding. */
void quarantine_verify(void);
/* Whether this block rests somewhere; takes no lock, for reports. */
bool quarantine_holds(const void *mem);

/* Fork. */
void quarantine_lock(void);
void quarantine_unlock(void);

#endif
