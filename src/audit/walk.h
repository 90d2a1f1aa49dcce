/*
 * Visits what a heap consists of, through a reader: arenas, heaps, chunks in address
 * order, bins, caches, magazines, mapped chunks, metadata. Believes nothing it reads:
 * every address, size and count is checked, every list ends. No allocation, no lock.
 * Notes: docs/notes/inspector.md#walk
 */
#ifndef CHUNKY_AUDIT_WALK_H
#define CHUNKY_AUDIT_WALK_H

#include "audit/layout.h"
#include "audit/reader.h"
#include "core/chunk.h"

enum walk_state {
    WALK_LIVE,     /* in use by the program */
    WALK_OUT,      /* idle and in no bin: cached, in a magazine, or on its way */
    WALK_FAST,     /* in a fast bin */
    WALK_UNSORTED, /* in the unsorted bin */
    WALK_SMALL,    /* in a small bin */
    WALK_LARGE,    /* in a large bin */
    WALK_TOP,      /* the arena's top */
    WALK_FENCE,    /* the header that ends a heap */
    WALK_BROKEN,   /* no header of ours: the walk of its heap ends here */
    WALK_MAPPED,   /* live, alone in its mapping */
    WALK_KEPT,     /* a freed mapping that is kept for a while */
    WALK_STATES
};

enum walk_result {
    WALK_OK,
    WALK_NO_ROOT, /* no chunky_root at this address */
    WALK_UNREADABLE,
    WALK_OTHER, /* a layout that this code does not know */
    WALK_EMPTY  /* the process has not started its heap yet */
};

/* What a reader has room for; a root that says more is of another layout. */
enum {
    WALK_CLASSES = 512,
    WALK_BINS = 832,
    WALK_FASTS = 128,
    WALK_SLOTS = 4096,
    WALK_COUNTS = 12,
    WALK_DIRTY = 2, /* lists of dirty chunks */
    WALK_LISTS_MAX = 1 << 22
};

struct walk {
    struct reader *reader;
    struct root root;
    struct chunk_keys keys;
    struct layout_field field[LAYOUT_ROOM];
    uint32_t class_size[WALK_CLASSES];
    uint64_t page;
};

struct walk_arena {
    uint64_t address, next, tune, heaps, top_heap, top, top_clean, unsorted;
    uint64_t heap_bytes, free_bytes, fast_bytes, dirty_bytes, widened, purging;
    uint64_t dirty_oldest[WALK_DIRTY], dirty_newest[WALK_DIRTY];
    uint64_t depot_bytes, remote_list, remote_bytes;
    uint32_t lock, index, flags, generation, threads;
    uint64_t counts[WALK_COUNTS]; /* as struct arena_counts */
};

struct walk_heap {
    uint64_t address, arena, next, start, end, limit, first, magic;
    uint32_t kind, flags;
};

struct walk_chunk {
    uint64_t address;
    uint64_t size; /* 0 if broken */
    uint64_t
        prev_size;  /* the word before the header; the footer before if P is clear */
    uint32_t flags; /* low four bits as they stand */
    uint32_t bits;  /* low word and tag as they stand, for reports */
    uint32_t tag;
    enum walk_state state;
};

/* Pointers in a row, of a stack or a magazine. */
struct walk_slots {
    uint64_t at, count; /* address of the first; how many */
    uint64_t high;      /* of all, where a slot holds less than an address */
    uint32_t width;     /* of a slot, bytes; 8: it is the address */
};

struct walk_magazine {
    uint64_t address, next;
    uint32_t class, count;
    struct walk_slots slots;
};

struct walk_stack {
    uint64_t base, top, limit;
    uint32_t room, allowed;
};

static inline struct walk_slots walk_stack_slots(const struct walk_stack *s)
{
    return (struct walk_slots){s->base, (s->top - s->base) / 8, 0, 8};
}

struct walk_cache {
    uint64_t address, next, prev, arena, spare, capacity, budget;
    uint64_t quarantine; /* freed blocks at rest, or 0 */
    uint32_t spares, thread;
};

struct walk_mapped {
    uint64_t address, next, prev, start, length, chunk, slot;
};

struct walk_mapped_all {
    uint64_t live, kept, slots, slot_count, slot_free;
    uint64_t count, bytes, kept_bytes, peak_count, peak_bytes;
    uint64_t maps, unmaps, remaps, reuses;
};

struct walk_meta {
    uint64_t regions, bump, end, mapped, used;
};

/* Reads the root at `root` and what describes the heap. */
enum walk_result walk_open(struct walk *w, struct reader *r, uint64_t root);

/* Each reads one object; false if it is not readable. */
bool walk_read_arena(struct walk *w, uint64_t address, struct walk_arena *a);
bool walk_read_heap(struct walk *w, uint64_t address, struct walk_heap *h);
bool walk_read_cache(struct walk *w, uint64_t address, struct walk_cache *k);
bool walk_read_stack(struct walk *w, uint64_t cache, unsigned class,
                     struct walk_stack *s);
/* Up to `count` addresses from number `first` on; returns how many, 0 at the end or where
 * they are not readable. */
size_t walk_read_slots(struct walk *w, const struct walk_slots *s, uint64_t first,
                       uint64_t *out, size_t count);
bool walk_read_magazine(struct walk *w, uint64_t address, struct walk_magazine *m);
bool walk_read_mapped(struct walk *w, uint64_t address, struct walk_mapped *m);
bool walk_read_mapped_all(struct walk *w, struct walk_mapped_all *m);
bool walk_read_meta(struct walk *w, struct walk_meta *m);
/* Element `i` of an array member; 0 if it is not readable. */
uint64_t walk_element(struct walk *w, uint64_t object, enum layout_id array,
                      unsigned i);
uint64_t walk_word(struct walk *w, uint64_t address);
/* First struct cache, or 0. */
uint64_t walk_first_cache(struct walk *w);
/* A field of the thresholds that an arena points to; 0 if this build has none. */
uint64_t walk_tune(struct walk *w, uint64_t address, enum layout_id id);

/* True if the heap's own words make sense: aligned, ordered, not absurd. */
bool walk_heap_is_sane(const struct walk *w, const struct walk_heap *h);

/* The chunk at `address` in `h`, whose top is `top` (0: another heap has it). False only
 * if it is not readable. What is no header of ours is WALK_BROKEN. */
bool walk_chunk_at(struct walk *w, const struct walk_heap *h, uint64_t top,
                   uint64_t address, struct walk_chunk *c);
/* The right tag of a live chunk with user memory at `mem`, as chunk_tag's. */
uint32_t walk_tag(const struct walk *w, const void *mem, uint64_t word);
/* A chunk anywhere, judged by its header alone: WALK_OUT also stands for a top. `raw` is
 * a copy of the header. */
void walk_chunk_copy(const struct walk *w, uint64_t address, const void *raw,
                     struct walk_chunk *c);
bool walk_chunk_anywhere(struct walk *w, uint64_t address, struct walk_chunk *c);

static inline bool walk_is_binned(enum walk_state s)
{
    return s == WALK_UNSORTED || s == WALK_SMALL || s == WALK_LARGE;
}

/* Bytes that the program may use, or could if it were in use. */
static inline uint64_t walk_usable(const struct walk_chunk *c)
{
    return c->size - (c->state == WALK_MAPPED ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD);
}

/* Bytes that were asked for, when the chunk records them; else the usable bytes. */
uint64_t walk_request(struct walk *w, const struct walk_chunk *c);

#endif
