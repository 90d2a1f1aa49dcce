/*
 * What play draws: all heaps of the private process after a step, as lists of chunks,
 * bins and caches, taken through the audit layer's walk. Addresses are the process's.
 */
#ifndef TOOL_PLAY_HEAP_H
#define TOOL_PLAY_HEAP_H

#include "audit/walk.h"
#include "play_session.h"

enum { HEAP_METAS = 16 };

struct heap_chunk {
    uint64_t at;
    uint64_t size;
    uint64_t bytes; /* asked for, if that is recorded, else usable; of live ones */
    uint64_t usable;
    uint64_t word[4]; /* prev_size, header, and the first two of mem */
    enum walk_state state;
};

struct heap_region {
    char name[32];       /* "heap", "arena1", "mapped" */
    uint64_t start, end; /* of its chunks, with the fence */
    size_t first, count; /* of its chunks */
    unsigned arena;
    bool mapped; /* one chunk in a mapping of its own */
};

struct heap_list {
    char name[64];       /* "small[0x20]", "cache main[0x20]" */
    size_t first, count; /* of its members */
    bool two_way;        /* fd and bk, a ring */
    bool broken;
    const char *link; /* "fd" or "bk": the wrong one, of the chunk `at` */
    uint64_t at, found, expected;
};

/* Thresholds of the engine that decide where a block comes from. */
struct heap_limits {
    uint64_t cache_bytes, mmap_threshold, fast_max, top_pad;
    uint32_t class_size[WALK_CLASSES]; /* [0] is no class */
    uint32_t classes;
};

struct play_heap {
    struct heap_chunk *chunk;
    size_t chunks, chunk_room;
    struct heap_region *region; /* arena by arena, each in order of address */
    size_t regions, region_room;
    struct heap_list *list;
    size_t lists, list_room;
    uint64_t *member; /* chunks' addresses, list after list */
    size_t members, member_room;
    uint64_t meta[HEAP_METAS]; /* mappings with the engine's own records */
    size_t metas;
    struct heap_limits limits;
    const char *error; /* why the walk ended early, or NULL */
    uint64_t error_at; /* and where */
};

/* What the chunks come to. */
struct heap_sums {
    uint64_t live, asked, usable, size; /* of chunks in use */
    uint64_t parts, free, largest;      /* of free ones but the top */
    uint64_t fast, cached;              /* of these, bytes */
    uint64_t top;
};

/* Reads all heaps of the stopped process; an empty one if none exists yet. */
bool play_heap_read(struct play_heap *h, const struct play_session *s);
/* The same through an open walk; `s` only names the threads. */
void play_heap_walk(struct play_heap *h, struct walk *w, const struct play_session *s);
/* Calls `use` with a walk of the process's heap, unless the result is neither WALK_OK nor
 * WALK_EMPTY. */
enum walk_result play_heap_open(const struct play_session *s,
                                void (*use)(struct walk *w, void *context),
                                void *context);
void play_heap_free(struct play_heap *h);

/* The chunk whose mem is `mem`, or NULL. */
const struct heap_chunk *play_heap_of_mem(const struct play_heap *h, uint64_t mem);
/* "+1a0" in the first heap, "arena1+60" in another, else the address. Returns text. */
const char *play_heap_name(const struct play_heap *h, uint64_t address, char *text,
                           size_t room);
struct heap_sums play_heap_add_up(const struct play_heap *h);

#endif
