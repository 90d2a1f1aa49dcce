/*
 * An arena: a lock, heaps, a top chunk, bins, and the depot that caches exchange
 * magazines with. It hands out and takes back idle chunks (check inverted); caches and
 * user pointers are the front's business. Notes: docs/notes/arenas.md
 */
#ifndef CHUNKY_CORE_ARENA_H
#define CHUNKY_CORE_ARENA_H

#include "core/bin.h"
#include "core/depot.h"
#include "core/heap.h"
#include "core/order.h"
#include "core/tune.h"
#include "os/lock.h"

enum {
    FAST_COUNT = 65,    /* fast bin i holds size 16 * i, up to 1 KiB */
    DIRTY_LONG = 16384, /* dirty bytes from which on a chunk is worth a system call */
    ARENA_NAME = 32     /* room for a named heap's name, NUL included */
};

/* Lists of chunks with dirty pages: less than DIRTY_LONG, and the others. */
enum { DIRTY_SHORT_LIST, DIRTY_LONG_LIST, DIRTY_LISTS };

/* What an arena is for. */
enum arena_kind {
    ARENA_SHARED, /* threads choose it */
    ARENA_NAMED,  /* a named heap of the program: only what asks for it by name */
    ARENA_UNUSED  /* was a named heap; the next one takes it over */
};

/* Counters, written under the lock, read without it by anybody who asks. */
struct arena_counts {
    uint64_t visits;         /* times the lock was taken */
    uint64_t contended;      /* of these, found locked */
    uint64_t fills;          /* batches given to caches */
    uint64_t flushes;        /* batches taken from caches */
    uint64_t splits;         /* chunks cut in two */
    uint64_t merges;         /* neighbours joined */
    uint64_t consolidations; /* fast bins emptied */
    uint64_t grows;          /* heap growth calls */
    uint64_t trims;          /* top given back */
    uint64_t purges;         /* ranges of pages given back */
    uint64_t purged;         /* bytes of them */
    uint64_t returned; /* purged bytes that were used again within the hold time */
};

/* An arena as the last settling left it, and how far its depot may fill before the next
 * one has anything to do, if nothing else changes. */
struct settled {
    const struct chunk *top;
    size_t heap_bytes;
    size_t free_bytes; /* SIZE_MAX: it looks in any case */
    size_t clean_bytes;
    size_t fast_bytes;
    size_t depot_most;
};

struct arena {
    struct lock lock;
    uint32_t index;              /* 0: main */
    uint32_t flags;              /* NON_MAIN_ARENA or 0, of its spanned heaps' chunks */
    _Atomic uint32_t generation; /* odd while the lock is held, for readers outside */
    _Atomic uint32_t threads;    /* caches attached */
    _Atomic(struct arena *) next; /* list of arenas, shared ones first; never shrinks */
    const struct tune *tune;      /* thresholds */
    struct order *order;          /* of its drains; NULL before the first */

    struct heap *heaps;        /* newest first */
    unsigned heap_count;       /* of that list */
    struct heap *top_heap;     /* heap that top lies in, NULL before the first */
    struct chunk *_Atomic top; /* idle chunk before top_heap's fence, or NULL */
    uintptr_t top_clean;       /* pages from here to the fence are not resident */
    uintptr_t top_purged;      /* of these, those below here were purged, not fresh */
    size_t heap_bytes;         /* of all heaps */
    size_t heap_peak;          /* most of them at a time, as seen when settling */
    size_t free_bytes;         /* of binned and unsorted chunks, without top, */
    size_t free_count;         /* and how many they are */
    _Atomic size_t live;       /* bytes out, but the depot's; last settling */
    _Atomic size_t touched; /* heap_bytes without the top's pages that were never used:
                               most of them at a time */
    size_t fast_bytes;      /* of chunks in fast bins */
    size_t clean_bytes;     /* of free_bytes, whole pages that are not resident */
    size_t pinned; /* idle resident bytes left when the depot was last emptied */

    struct chunk *fast[FAST_COUNT]; /* last in, first out; fd only; not merged */
    struct chunk *unsorted;         /* ring of chunks not yet sorted */
    struct bins bins;               /* small and large bins */

    /* Binned chunks that hold dirty pages, by age. */
    struct chunk *dirty_oldest[DIRTY_LISTS];
    struct chunk *dirty_newest[DIRTY_LISTS];
    size_t dirty_bytes[DIRTY_LISTS]; /* whole free resident pages in them, bytes */
    size_t widened;                  /* added to the dirty budget, bytes */
    uint64_t widened_until;          /* clock, ms */
    size_t reused;      /* purged bytes used again lately, but for a rate */
    uint64_t reused_at; /* clock of that, ms */
    uint64_t purged_at; /* clock of the last purge, ms */
    size_t purging;     /* bytes out of their bins for a purge right now */
    size_t yields;      /* grown by so much at a new peak: as much is to go */

    struct settled settled; /* what the last settling found */

    struct depot depot;   /* magazines, this arena's chunks only */
    struct remote remote; /* magazines freed by threads of other arenas */
    struct arena_counts counts;

    /* Named heaps only: */
    _Atomic uint32_t kind; /* enum arena_kind; ARENA_SHARED in all others */
    char name[ARENA_NAME]; /* for people; "" in all others */
    size_t limit;          /* most bytes of chunks; 0: none */
    _Atomic size_t used;   /* bytes of chunks in use, mapped ones included */
    _Atomic size_t blocks; /* how many */
    struct mapped *mapped; /* its mapped chunks; lock of rank MAPPED */
    struct arena *unused;  /* the next one that is ARENA_UNUSED */
};

/* Where zeroes are known to be in a chunk: whole pages [from, to). */
struct clean {
    uintptr_t from;
    uintptr_t to;
};

/* Once, before anything else: the main arena. */
void arena_init(const struct tune *t);
extern struct arena arena_main;

/* The list of all arenas begins with the main one; NULL behind the last. They are only ever
 * added, each fully built, so that it takes no lock. */
static inline struct arena *arena_next(const struct arena *a)
{
    return atomic_load_explicit((_Atomic(struct arena *) *)&a->next,
                                memory_order_acquire);
}

/* Arena of a cached-class chunk or of any chunk of a heap; touches no block. */
struct arena *arena_of(const void *mem);

/* Whether a chunk with a right header lies in one of its heaps. */
bool arena_holds(const struct arena *a, const struct chunk *c);

/* Walks the list of an arena's heaps: the newest (h == NULL), or the next older one than h;
 * NULL behind the last. The links stand where an underflow reaches, and may lead anywhere,
 * or round. `seen`, 0 at first, counts heaps. Lock held. */
struct heap *arena_next_heap(const struct arena *a, const struct heap *h,
                             unsigned *seen);

/* The size of a live chunk that was verified before the lock, once more: meanwhile its header
 * may have been overwritten. From `least` to `most`, as it was then. */
size_t arena_size_again(const struct chunk *c, size_t least, size_t most);
/* The same for how much of it is usable. */
size_t arena_usable_again(const struct chunk *c, size_t least);

/* Lock and unlock with the generation; `try` does not wait. */
void arena_lock(struct arena *a);
bool arena_try(struct arena *a);
void arena_unlock(struct arena *a);
/* An arena for a thread that found `busy` locked: an unlocked one, or a new one while
 * fewer than the limit exist, else `busy`. Returned locked. */
struct arena *arena_choose(struct arena *busy);
/* The arena with the fewest threads. */
struct arena *arena_least(void);
unsigned arena_count(void);
static inline bool arena_is_shared(const struct arena *a)
{
    return atomic_load_explicit((_Atomic uint32_t *)&a->kind, memory_order_relaxed) ==
           ARENA_SHARED;
}

/* What caches and depot proved to need beside their shares, bytes: no more than is live, so
 * that it goes with that, but for a fixed sum. */
static inline size_t arena_spared(const struct arena *a)
{
    size_t live = atomic_load_explicit(&a->live, memory_order_relaxed);
    return min_size(atomic_load_explicit(&a->depot.spared, memory_order_relaxed),
                    max_size(live, a->tune->depot_bytes));
}

/* An arena that no thread chooses, unlocked; NULL and ENOMEM on failure. The name is cut
 * to its room. */
struct arena *arena_create_named(const struct tune *t, const char *name);
/* Gives all heaps of such an arena away, whatever lies in them. The arena stays on the
 * list, empty, for the next one. */
void arena_destroy_named(struct arena *a);

/* Fork: takes every arena lock but the one that the caller holds already (it forks out
 * of a signal handler), and gives them back. */
void arena_lock_all(void);
void arena_unlock_all(void);
/* In the child: what other threads had in hand for a purge comes back no more. Before
 * arena_unlock_all. */
void arena_forget_purges(void);

/* All below: lock held. */

/* An idle chunk of `size` or up to 16 bytes more, or NULL and ENOMEM. `clean` may be
 * NULL. */
struct chunk *arena_take(struct arena *a, size_t size, struct clean *clean);
/* An idle chunk of `size`, which is a large one's, out of a binned one of which hardly a page
 * is not resident, or NULL. */
struct chunk *arena_take_hole(struct arena *a, size_t size);
/* Up to `want` idle chunks of `size` as mem pointers, at least one, or 0 and ENOMEM. */
size_t arena_take_batch(struct arena *a, size_t size, size_t want, void **out);
/* The same, aligned: mem are multiples of `align`, chunks at least `size`; one of the depot's
 * if that lies right. */
size_t arena_take_aligned_batch(struct arena *a, size_t size, size_t align, size_t want,
                                void **out);
static inline struct chunk *arena_take_aligned(struct arena *a, size_t size,
                                               size_t align)
{
    void *mem;
    return arena_take_aligned_batch(a, size, align, 1, &mem) == 0 ? NULL
                                                                  : chunk_of(mem);
}
/* Takes an idle chunk of this arena back; verifies its whole header. */
void arena_give(struct arena *a, struct chunk *c);
/* Cuts a live chunk down to `size`; gives the rest back. */
void arena_shrink(struct arena *a, struct chunk *c, size_t size);
/* Grows a live chunk to at least `size` into the free chunk or top behind it. */
bool arena_extend(struct arena *a, struct chunk *c, size_t size);
/* Whether it is worth the lock to try: a look without it at what lies behind. True also
 * where that is damaged, which arena_extend tells. */
bool arena_may_extend(const struct arena *a, const struct chunk *c, size_t size);
/* Gives the newest heap away if its top is all there is in it. */
void arena_give_top(struct arena *a);
/* Merges what lies in the fast bins. */
void arena_consolidate(struct arena *a);
/* Takes the remote list into the depot. */
void arena_absorb(struct arena *a);
/* Gives back the depot's chunks until at most `keep` bytes stay. */
void arena_drain(struct arena *a, size_t keep);
/* The same of those that lie in pages where nothing is in use; the others may stay. */
void arena_sieve(struct arena *a, size_t keep);
/* Puts what came into the depot of a class in the order of addresses. */
void arena_sort_class(struct arena *a, unsigned class);

/* Purged pages are used again: for the hold time the arena may keep as much more. */
void arena_note_reuse(struct arena *a, size_t bytes);
/* Gives dirty pages back until at most `keep` bytes stay. The lock is held at entry
 * and exit, but not across the system calls. Returns the bytes given back. */
size_t arena_purge(struct arena *a, size_t keep);
/* Memory is taken from the system as never before: up to so many bytes go of what may stay
 * beyond the budget. As arena_purge. */
void arena_yield(struct arena *a, size_t bytes);
/* Shortens the top by whole pages but for `pad` bytes. Returns bytes given back. */
size_t arena_trim(struct arena *a, size_t pad);
/* A refill found the depot without the class and cut `count` from free space instead. */
void arena_note_miss(struct arena *a, unsigned class, size_t count);
/* What a thread does before it unlocks after giving: depot limit, purge. */
void arena_settle(struct arena *a);
/* The same, if it was allowed to keep more for a while that is over. Lock held. */
void arena_expire(struct arena *a);

#endif
