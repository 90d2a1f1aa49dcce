/*
 * What play draws: all heaps of the private process after a step, taken through the audit
 * layer's walk. Chunks are kept in blocks of 64 KiB, and a block that did not change since
 * the step before is not looked at again. Addresses are the process's.
 */
#ifndef TOOL_PLAY_HEAP_H
#define TOOL_PLAY_HEAP_H

#include "audit/walk.h"
#include "play_image.h"
#include "play_session.h"

enum { HEAP_METAS = 16, HEAP_GLYPHS = 128 };

struct heap_chunk {
    uint64_t at;
    uint64_t size;
    uint64_t bytes; /* asked for, if that is recorded, else usable; of live ones */
    enum walk_state state;
    uint32_t flags; /* P, M, A and the fourth bit */
};

/* What chunks come to. */
struct heap_sums {
    uint64_t live, asked, usable, size; /* of chunks in use */
    uint64_t parts, free, largest;      /* of free ones but the top */
    uint64_t fast, cached;              /* of these, bytes */
    uint64_t top;
};

/* The chunks that begin in 64 KiB of a region. */
struct heap_block {
    struct heap_chunk *chunk;
    size_t count, room;
    uint64_t entry, exit; /* where the walk came in, and went on */
    bool known; /* chunk, entry and exit are right if the bytes are the same */
    struct heap_sums sums;
    uint32_t *glyph; /* bytes of each glyph, but for the first and last chunk */
    bool drawn;      /* glyph is right */
};

/* What is kept of a region from step to step. */
struct heap_store {
    uint64_t start, top;
    struct image image;
    struct heap_block *block;
    size_t blocks, block_room;
    bool seen; /* in this reading */
};

struct heap_region {
    char name[32];       /* "heap", "arena1", "mapped" */
    uint64_t start, end; /* of its chunks, with the fence */
    uint64_t used;       /* bytes up to the end of the top's header, or to the end */
    uint64_t top, top_size;
    unsigned arena;
    bool mapped;              /* one chunk in a mapping of its own */
    struct heap_store *store; /* NULL if only the outline was read */
};

/* One chunk of a region. */
struct heap_place {
    const struct heap_store *store;
    size_t block, index;
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
    uint64_t capacity, budget; /* of the first thread's cache, as far as is known */
    uint32_t allowed[WALK_CLASSES];    /* chunks that it may hold at the moment */
    uint32_t class_size[WALK_CLASSES]; /* [0] is no class */
    uint32_t classes;
};

struct play_heap {
    struct heap_store **store;
    size_t stores, store_room;
    struct heap_region *region; /* arena by arena, each in order of address */
    size_t regions, region_room;
    struct heap_list *list;
    size_t lists, list_room;
    uint64_t *member; /* chunks' addresses, list after list */
    size_t members, member_room;
    uint64_t meta[HEAP_METAS]; /* mappings with the engine's own records */
    size_t metas;
    struct heap_limits limits;
    struct image_reader *reader;
    bool no_lists;          /* nobody asks for lists, nor for thresholds */
    struct image_span span; /* all that the step could write to */
    bool is_known;          /* and all else was read after the step before */
    struct walk *walk;      /* of the private process, NULL before its heap exists */
    const char *error;      /* why the walk ended early, or NULL */
    uint64_t error_at;      /* and where */
};

/* Reads all heaps of the stopped process; an empty one if none exists yet. With
 * `outline`, only where the regions are and how far they are used. */
bool play_heap_read(struct play_heap *h, const struct play_session *s, bool outline);
/* The same through an open walk; `s` only names the threads. */
void play_heap_walk(struct play_heap *h, struct walk *w, const struct play_session *s,
                    bool outline);
/* Calls `use` with a walk of the process's heap, unless the result is neither WALK_OK nor
 * WALK_EMPTY. */
enum walk_result play_heap_open(const struct play_session *s,
                                void (*use)(struct walk *w, void *context),
                                void *context);
void play_heap_free(struct play_heap *h);

/* The first chunk that reaches behind `address`, and the ones that follow; NULL at the end
 * of the region. */
const struct heap_chunk *heap_from(const struct heap_region *r, uint64_t address,
                                   struct heap_place *p);
const struct heap_chunk *heap_next(struct heap_place *p);

/* The chunk whose mem is `mem`, or NULL. */
const struct heap_chunk *play_heap_of_mem(const struct play_heap *h, uint64_t mem);
/* What is known of its drawing is not right any more: it has another owner. */
void play_heap_touch(struct play_heap *h, uint64_t mem);
void play_heap_touch_all(struct play_heap *h);
/* prev_size, header, and the first two words of mem; 0 where there is none. */
void play_heap_words(const struct heap_region *r, const struct heap_chunk *c,
                     uint64_t word[4]);
/* Bytes of the pages that are not resident in the first `size` bytes of a free chunk, as far as
 * is known. */
uint64_t play_heap_clean(const struct heap_region *r, const struct heap_chunk *c,
                         uint64_t size);
/* "+1a0" in the first heap, "arena1+60" in another, else the address. Returns text. */
const char *play_heap_name(const struct play_heap *h, uint64_t address, char *text,
                           size_t room);
uint64_t heap_usable(const struct heap_chunk *c);
/* Of the chunks that begin in [from, to). */
struct heap_sums heap_sums_of(const struct heap_region *r, uint64_t from, uint64_t to);
struct heap_sums play_heap_add_up(const struct play_heap *h);

/* For the files that make up the reading: */
struct heap_region *heap_add_region(struct play_heap *h, unsigned arena, uint64_t start,
                                    uint64_t end);
/* Chunks of a region, from `first`: see play_blocks.c. */
void heap_walk_region(struct play_heap *h, struct walk *w, const struct walk_arena *a,
                      const struct walk_heap *heap, bool outline);
void heap_walk_mapped(struct play_heap *h, struct walk *w);
/* Bins, depots and caches: see play_bins.c. */
void heap_walk_lists(struct play_heap *h, struct walk *w, const struct play_session *s);
/* `size` bytes anywhere, through the images. */
bool heap_get(struct play_heap *h, uint64_t address, void *out, size_t size);

#endif
