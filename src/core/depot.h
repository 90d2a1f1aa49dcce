/*
 * Magazines: arrays of pointers to idle chunks of one class and one arena, handed over
 * whole between thread caches, so that no block is touched on the way. An arena keeps
 * full ones in its depot (under its lock) and takes those that other arenas' threads
 * freed from its remote list (lock-free). Notes: docs/notes/caches.md#depot
 */
#ifndef CHUNKY_CORE_DEPOT_H
#define CHUNKY_CORE_DEPOT_H

#include "core/class.h"
#include "core/order.h"
#include "core/tally.h"

#include <stdatomic.h>

enum {
    MAGAZINE_SLOTS = 59,         /* 256 bytes in all */
    MAGAZINE_SPAN = 36,          /* log2 of the addresses that one may hold */
    DEPOT_SCATTERED = 512 * KIB, /* freed in a go, and more than a cache near the */
    DEPOT_SMALL = 256, /* processor holds: the order of chunks up to this counts */
    STEADY_PART = 16   /* by which what is live goes up and down without a meaning */
};

struct magazine {
    struct magazine *next; /* older one of the same list; first, for meta's lists */
    uint16_t class;        /* of every chunk in it; CLASS_NONE: one large chunk */
    uint16_t counted;      /* slots, from 0, that the depot's tally knows */
    uint32_t count;        /* slots in use, from 0 */
    uint32_t high;         /* of every mem in it, from bit MAGAZINE_SPAN on */
    uint32_t slot[MAGAZINE_SLOTS]; /* mem of idle chunks below that, in 16 bytes */
};

static_assert(sizeof(struct magazine) == 256, "a block of metadata, without a rest");

struct depot {
    struct magazine *full[CLASS_COUNT]; /* newest first */
    uint64_t map[CLASS_WORDS];          /* bit: full[class] is not NULL */
    uint32_t fresh[CLASS_COUNT];        /* newest of them, in no order */
    size_t bytes;                       /* chunk bytes of all of them */
    size_t limit;                       /* most bytes; learnt, see settle in purge.c */
    size_t rest;                        /* bytes that the tally knows, */
    size_t rest_count;                  /* and how many chunks */
    size_t unwanted;     /* most that was live since they had to go for others; or 0 */
    struct tally tally;  /* of the pages that they lie in */
    uint64_t counted_at; /* how often chunks had been taken when it was begun, */
    size_t counted;      /* and bytes that it knew then */
    unsigned sweep;      /* class that is drained next in turn */
    uint32_t drained[CLASS_COUNT]; /* chunks that went lately, not asked for again */
    uint64_t drained_at;           /* clock of the last one, ms */
    _Atomic size_t spared; /* bytes beside the limit's share that are in use; learnt */
    size_t returned;       /* bytes drained that were asked for again lately; learnt */
    size_t missed;         /* bytes cut for want of others here while it held more than
                            * the limit, but for a part of what came out */
    size_t least, most;    /* fewest and most bytes there since ... */
    size_t live_most;      /* ... and most that was live in the arena since, */
    size_t live_before;    /* and in the time before that; bytes */
    size_t live_least;     /* least that was live since it was most */
    size_t swing;          /* how much of such a fall came back since then, */
    size_t swing_before;   /* and in the time before that */
    uint64_t noted_from;   /* ... this clock, ms */
};

struct remote {
    _Atomic(struct magazine *) list; /* pushed by anybody, taken whole by the arena */
    _Atomic size_t bytes;            /* chunk bytes pushed and not yet taken */
};

static ALWAYS_INLINE uint32_t magazine_high(const void *mem)
{
    return (uint32_t)((uintptr_t)mem >> MAGAZINE_SPAN);
}

static ALWAYS_INLINE uint32_t magazine_low(const void *mem)
{
    return (uint32_t)((uintptr_t)mem / CHUNK_ALIGN);
}

static ALWAYS_INLINE void *magazine_at(const struct magazine *m, uint32_t i)
{
    return (void *)((uintptr_t)m->high << MAGAZINE_SPAN |
                    (uintptr_t)m->slot[i] * CHUNK_ALIGN);
}

/* Moves pointers of its class into a magazine until it is full; those too far from what is
 * in it stay, and all that stay come to the front. Returns how many they are. */
size_t magazine_fill(struct magazine *m, void **mem, size_t count);

static inline size_t magazine_bytes(const struct magazine *m)
{
    return m->class == CLASS_NONE ? chunk_size(chunk_of(magazine_at(m, 0)))
                                  : (size_t)m->count * class_sizes[m->class];
}

/* At each settling. A fall comes back as far as its peak; beyond that it is growth. */
static inline void depot_note_live(struct depot *d, size_t live)
{
    size_t most = max_size(d->live_most, d->live_before), to = min_size(live, most);
    d->swing = max_size(d->swing, to - min_size(to, d->live_least));
    if (live > most || live < d->live_least)
        d->live_least = live;
    d->live_most = max_size(d->live_most, live);
}

/* Bytes that it may hold beside its limit while so much is live: what was live a moment ago
 * and is no more will be asked for again, if that is what happened lately. */
static inline size_t depot_fallen(const struct depot *d, size_t live)
{
    size_t most = max_size(d->live_most, d->live_before);
    size_t swing = max_size(d->swing, d->swing_before);
    most -= most / STEADY_PART;
    return min_size(min_size(d->returned, swing), most - min_size(most, live));
}

/* The one that is filled next, or NULL. */
static inline struct magazine *depot_newest(const struct depot *d, unsigned class)
{
    return d->full[class];
}

/* So many pointers were put behind those of a magazine in the depot. */
static inline void depot_note_put(struct depot *d, struct magazine *m, size_t count)
{
    m->count += (uint32_t)count;
    d->bytes += count * class_sizes[m->class];
}

/* The slots of a magazine from `from` on rest no more: they will be in use, and the tally is to
 * forget them. */
void depot_uncount(struct depot *d, struct magazine *m, uint32_t from);
/* Newest magazine of `class`, out of the depot, or NULL. */
struct magazine *depot_take(struct depot *d, unsigned class);
/* Up to `want` mem pointers of `class`, the newest last; emptied magazines are put before
 * *empty. Returns how many. */
size_t depot_take_some(struct depot *d, unsigned class, size_t want, void **out,
                       struct magazine **empty);
/* Whether so many small chunks of a class came one after the other that what they are used
 * for next would lie scattered. */
static inline bool depot_is_scattered(const struct depot *d, unsigned class)
{
    size_t size = class_sizes[class];
    return size <= DEPOT_SMALL &&
           d->fresh[class] * MAGAZINE_SLOTS * size >= DEPOT_SCATTERED;
}
/* Puts those in order, the lowest address to be taken first. */
void depot_sort(struct depot *d, unsigned class, struct order *o);
/* One of the newest magazine whose address is a multiple of `align`, or NULL. */
void *depot_take_aligned(struct depot *d, unsigned class, size_t align);
/* Whether the newest pointers of a class are all multiples of `align`. */
bool depot_is_aligned(const struct depot *d, unsigned class, size_t align);
void depot_give(struct depot *d, struct magazine *m);
/* Fills the newest magazine of `class`; returns how many pointers are left, as
 * magazine_fill. */
size_t depot_put(struct depot *d, unsigned class, void **mem, size_t count);
/* Up to 4,096 magazines, class after class from where the last time ended, until at most
 * `keep` bytes stay; NULL if no more are there. */
struct magazine *depot_take_many(struct depot *d, size_t keep);
/* How long a chunk of a class is at most, but for what realloc left: what was cut may be 16
 * bytes longer, and is of the next class where there is one. */
static inline size_t depot_extent(unsigned class)
{
    return class_sizes[class] + (class > CLASS_EXACT ? CHUNK_ALIGN : 0);
}
/* `last` of a class has no next one any more; NULL: there is none at all. */
void depot_cut(struct depot *d, unsigned class, struct magazine *last);

/* So much leaves for the bins. What left longer ago than the hold time is forgotten. */
void depot_note_drain(struct depot *d, uint64_t now, uint64_t hold);
/* Whether anything is learnt that is to be forgotten in time. */
static inline bool depot_regrets(const struct depot *d)
{
    return d->spared != 0 || d->returned != 0;
}

/* A refill had to cut `count` chunks of a class out of free space. Those that were drained a
 * moment ago have returned; a part of them should have stayed, whatever else happens: the
 * same block counts each time. At most `most` bytes return, half of that is spared. True
 * when these are the first. */
bool depot_regret(struct depot *d, unsigned class, size_t count, size_t most);
static inline void depot_note_bytes(struct depot *d)
{
    d->least = min_size(d->least, d->bytes);
    d->most = max_size(d->most, d->bytes);
}

/* Once the hold time is over, nothing is spared any more that nobody took in it, or that
 * was not there; nothing at all once it is over twice, as then nobody came by. True when
 * that was something. */
bool depot_forget(struct depot *d, uint64_t now, uint64_t hold);

/* Lock-free; returns the bytes that now wait there. */
size_t remote_push(struct remote *r, struct magazine *m);
/* The whole list, oldest first. One consumer at a time. */
struct magazine *remote_take(struct remote *r);

#endif
