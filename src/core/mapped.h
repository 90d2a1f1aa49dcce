/*
 * Directly mapped chunks: one mapping each, described by a record in metadata whose
 * number stands in the chunk's prev_size. Guarded by a lock of rank MAPPED, not held while
 * the kernel maps, moves or unmaps a block. Notes: docs/notes/mapped.md
 */
#ifndef CHUNKY_CORE_MAPPED_H
#define CHUNKY_CORE_MAPPED_H

#include "core/chunk.h"
#include "core/tune.h"
#include "os/lock.h"

struct mapped {
    struct mapped *next;        /* list of all in use, newest first; or of kept ones */
    struct mapped *prev;        /* its other direction */
    uintptr_t start;            /* of the mapping */
    size_t length;              /* of the mapping, bytes */
    struct chunk *chunk;        /* in it; NULL while kept */
    uint64_t since;             /* clock, ms: when it was kept */
    size_t slot;                /* its number: slots[slot] is this record */
    bool is_moving;             /* a thread waits for the kernel to resize it */
    const void *owner;          /* struct arena of a named heap, or NULL */
    struct mapped *owned_next;  /* list of the owner's */
    struct mapped **owned_link; /* what points to this one in it */
};

struct mapped_state {
    struct lock lock;
    struct mapped *live;    /* in use, newest first */
    struct mapped *kept;    /* freed, still mapped, newest first */
    struct mapped **slots;  /* records by number; the number is in prev_size */
    size_t slot_count;      /* room of slots */
    size_t slot_free;       /* numbers below this were given out before */
    struct mapped *unused;  /* records without a mapping, their numbers kept */
    _Atomic size_t count;   /* in use; changed under the lock */
    size_t bytes;           /* mapped, in use */
    size_t kept_bytes;      /* mapped, kept */
    size_t yielded;         /* growth of heaps that asks for as many kept bytes */
    size_t peak_count;      /* most in use at a time */
    size_t peak_bytes;      /* most bytes at a time */
    size_t last_freed;      /* length of the mapping unmapped last */
    uint64_t last_freed_at; /* clock, ms */
    size_t widened;         /* bytes that may be kept */
    uint64_t widened_until; /* clock, ms */
    uint64_t maps, unmaps, remaps, reuses; /* counters */
};

extern struct mapped_state mapped;

/* Fewer are in use than `mmap_max`, which is a wish: what no arena has room for is mapped
 * nevertheless. */
bool mapped_has_room(const struct tune *t);
/* A live chunk with at least `bytes` usable, mem at a multiple of `align` (16 or more).
 * *zeroed tells whether the memory reads as zero. NULL and ENOMEM on failure. */
struct chunk *mapped_take(size_t bytes, size_t align, const struct tune *t,
                          bool *zeroed);
/* Compares a live chunk's number and size with its record; a difference is a finding. */
void mapped_verify(const struct chunk *c);
/* Frees a mapped chunk whose header the caller has verified and made idle. */
void mapped_give(struct chunk *c, struct tune *t);
/* A mapped chunk with `bytes` usable in place of `c`, contents kept, moved if needed;
 * NULL (c unchanged) when it cannot. The chunk is live before and after. */
struct chunk *mapped_resize(struct chunk *c, size_t bytes);
/* A mapped chunk belongs to a named heap from now on, and is on its list; who that is;
 * any chunk of such a list, or NULL. */
void mapped_set_owner(struct chunk *c, const void *owner, struct mapped **list);
const void *mapped_owner(struct chunk *c);
struct chunk *mapped_of_list(struct mapped *const *list);
/* The live mapped chunk with this number (NULL: none) and its owner. False behind the
 * last number. */
struct mapped_view {
    struct chunk *chunk;
    const void *owner;
};
bool mapped_at(size_t slot, struct mapped_view *view);
/* A heap has grown by so much, whose arena is locked. If never more was taken from the
 * system than now, as much of what is kept goes at the next look, once it is worth it. */
void mapped_yield(size_t bytes);
/* Whether so many bytes more would be a new peak, were kept mappings used or unmapped. */
bool mapped_is_peak(size_t bytes);
/* Unmaps kept mappings that are older than the hold time, or yield; all if `all`. Returns
 * bytes. */
size_t mapped_expire(const struct tune *t, bool all);
/* Bytes of the kept ones that are resident. */
size_t mapped_kept_resident(void);

#endif
