/*
 * A heap: one contiguous region of one arena, chunks from `first` to the fence that
 * ends it. The main arena's heaps grow by sbrk; all others are reserved at a multiple
 * of HEAP_SPAN, so that an address leads to its heap, and are committed in steps.
 * Guarded by the lock of its arena. Notes: docs/notes/heaps.md
 */
#ifndef CHUNKY_CORE_HEAP_H
#define CHUNKY_CORE_HEAP_H

#include "core/chunk.h"
#include "core/tune.h"
#include "os/lock.h"

struct arena;

/* Secrets of the header check, set once before the first chunk. */
extern struct chunk_keys heap_keys;

enum {
    HEAP_BREAK = 1,  /* grown by sbrk; the struct lies in metadata */
    HEAP_SPANNED = 2 /* size-aligned mapping; the struct lies at its start */
};

#define HEAP_SPAN ((size_t)64 * MIB)     /* reserved address space of a spanned heap */
#define HEAP_MAGIC 0x706165685f796b63ULL /* "cky_heap" read as little-endian text */

struct heap {
    uint64_t magic;      /* HEAP_MAGIC */
    struct arena *arena; /* its only owner */
    struct heap *next;   /* arena's list, newest first; or list of spare heaps */
    uintptr_t start;     /* first byte of the region (of the struct, if spanned) */
    uintptr_t end;       /* end of what is committed; the fence is just below */
    uintptr_t limit;     /* end of what is reserved; equal to end for a break heap */
    struct chunk *first; /* first chunk */
    uint32_t kind;       /* HEAP_BREAK or HEAP_SPANNED */
    uint32_t flags;      /* NON_MAIN_ARENA or 0, for every chunk in it */
    uint64_t seal;  /* keyed hash of address and owner: an underflow reaches them */
    uint64_t bound; /* the same of end and flags, if spanned */
};

/* Spanned heaps that no arena owns: reserved, one page of each in use. Lock rank SPARE. */
struct heap_spare {
    struct lock lock;
    struct heap *first; /* list, newest first */
    unsigned count;     /* of it */
};

extern struct heap_spare heap_spare;

/* Heap of a chunk in a spanned heap. */
static inline struct heap *heap_of_spanned(const void *address)
{
    return (struct heap *)((uintptr_t)address & ~(HEAP_SPAN - 1));
}

/* What its seal must be: of its arena, or, while it is spare, of the next spare one. */
static inline uint64_t heap_seal(const struct heap *h)
{
    uintptr_t owner = h->arena != NULL ? (uintptr_t)h->arena : ~(uintptr_t)h->next;
    return multiply_fold((uintptr_t)h ^ heap_keys.address, owner ^ heap_keys.word);
}

static inline struct chunk *heap_fence(const struct heap *h)
{
    return (struct chunk *)(h->end - CHUNK_HEADER);
}

/* What `bound` must be. Sealed by the address of the word: no other seal fits. */
static inline uint64_t heap_bound(const struct heap *h)
{
    uint64_t end = h->end ^ (uint64_t)h->flags << 56;
    return multiply_fold((uintptr_t)&h->end ^ heap_keys.address, end ^ heap_keys.word);
}

/* First chunk of a spanned heap. */
static inline struct chunk *heap_first_of(const struct heap *h)
{
    return (struct chunk *)align_up((uintptr_t)h + sizeof *h, CHUNK_ALIGN);
}

/* False: words at the start of a spanned heap were overwritten; no unsealed one is asked
 * which kind it is. */
static inline bool heap_is_bounded(const struct heap *h)
{
    uintptr_t start = (uintptr_t)h;
    return (start & (HEAP_SPAN - 1)) != 0 ||
           (h->bound == heap_bound(h) && h->kind == HEAP_SPANNED && h->start == start &&
            h->limit == start + HEAP_SPAN && h->first == heap_first_of(h));
}

static inline size_t heap_size(const struct heap *h)
{
    return h->end - h->start;
}

/* A new heap with room for a chunk of `need`: all its space is one idle chunk from
 * h->first to the fence, P set, fence's P set. NULL and ENOMEM on failure. */
struct heap *heap_create_break(struct arena *a, size_t need, const struct tune *t);
struct heap *heap_create_spanned(struct arena *a, size_t need, uint32_t flags,
                                 const struct tune *t);

/* Moves the fence up by at least `need` bytes, and returns by how much; 0 when it
 * cannot. The chunk before the fence does not change: the caller enlarges it. */
size_t heap_grow(struct heap *h, size_t need, const struct tune *t);

/* Moves the fence down by up to `excess` bytes (whole pages) and gives them to the
 * system; returns by how much. The space must be idle. */
size_t heap_shrink(struct heap *h, size_t excess);

/* Nothing in it is used: hands it to other arenas, or unmaps it. Spanned heaps only;
 * its pages are already purged. */
void heap_destroy(struct heap *h);

/* Unmaps the spare heaps; returns the bytes of address space. */
size_t heap_unmap_spares(void);

/* Fork: the lock of the spare heaps. */
void heap_lock(void);
void heap_unlock(void);

/* Addresses of the break heaps, for telling whose chunk it is without touching it. */
bool heap_in_break(const void *address);
/* Whether a chunk of `size` bytes can lie there in one heap, by the addresses alone. The end
 * of a heap, which has the header of a live block, is too small for one; what was never a
 * header often has the high half of a pointer where the size is, and one in 65,536 of such
 * has the right check. */
bool heap_may_hold(const void *address, size_t size);

#endif
