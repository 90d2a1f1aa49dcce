/*
 * The whole heap in order of address, as the verbs need it: arenas, heaps and mappings
 * sorted, and every chunk told apart, also the idle ones that lie in no bin (cached by
 * which kind of list). Chunks are streamed; memory does not grow with the heap.
 */
#ifndef TOOL_SCAN_H
#define TOOL_SCAN_H

#include "source.h"

enum { LIST_MAX = 1 << 22 /* more in a list can only be a loop */ };

/* What a chunk is to a person; the order is that of the waterfall. */
enum kind {
    KIND_LIVE,
    KIND_CACHED,  /* in a thread's cache */
    KIND_DEPOT,   /* in a magazine of the arena's depot */
    KIND_REMOTE,  /* freed by another arena's thread, not taken in yet */
    KIND_RESTING, /* in a thread's quarantine (check=2) */
    KIND_MOVING,  /* on its way: in a thread's hands, or being purged */
    KIND_FAST,
    KIND_UNSORTED,
    KIND_SMALL,
    KIND_LARGE,
    KIND_TOP,
    KIND_FENCE,
    KIND_MAPPED,
    KIND_KEPT,
    KIND_BROKEN,
    KIND_GUARDED, /* live, before a page that nobody may touch (check=3) */
    KIND_BARRED,  /* such a one that was freed: nobody may touch its pages */
    KINDS
};

const char *kind_name(enum kind k);

static inline bool kind_is_cached(enum kind k)
{
    return k >= KIND_CACHED && k <= KIND_MOVING;
}

/* True for what malloc may hand out again. */
static inline bool kind_is_free(enum kind k)
{
    return (k >= KIND_CACHED && k <= KIND_TOP) || k == KIND_KEPT;
}

struct block {
    uint64_t address; /* of the chunk */
    uint64_t size;    /* of the chunk; of the rest of the heap if it is broken */
    uint64_t prev_size;
    uint64_t request; /* asked, when it is recorded; else what is usable */
    enum kind kind;
    bool recorded; /* request is what was asked */
    uint32_t flags;
    const struct scan_heap *heap; /* NULL for mapped and guarded chunks */
    const struct scan_mapped *mapped;
    const struct scan_guard *guard;
};

struct scan_heap {
    struct walk_heap h;
    unsigned arena; /* index in scan.arenas */
    uint64_t top;   /* address of the arena's top if it lies here, or 0 */
    bool is_main; /* the main arena's: of the break, or spanned where that may not be */
    uint64_t done; /* first address that was not scanned: the end if all went well */
};

/* Spanned: its struct lies at its beginning, before the first chunk; else in metadata. */
static inline bool scan_heap_is_spanned(const struct scan_heap *h)
{
    return h->h.address - h->h.start < h->h.first - h->h.start;
}

struct scan_arena {
    struct walk_arena a;
    uint32_t generation; /* when it was read */
    bool is_busy;        /* locked: a thread is in the middle of a change */
    bool is_torn;        /* it changed while it was read */
    bool is_damaged;
};

struct scan_mapped {
    struct walk_mapped m;
    bool is_kept;
};

struct region {
    uint64_t start, end;
};

/* The place of a guarded block: a guard page, then room for it; its pages are the last. */
enum { GUARD_IS_LIVE = 1, GUARD_IS_FREED = 2 };
struct scan_guard {
    uint64_t record; /* the engine's, with the stacks */
    uint64_t mem, bytes;
    uint64_t from, to; /* its pages; behind them is the next place's guard page */
    uint64_t room;
    bool is_live;
};

struct place {
    uint64_t key; /* chunk's address, with its kind in the low bits */
};

struct scan {
    struct source *source;
    struct walk *walk;
    struct scan_arena *arenas; /* by index, main first */
    size_t arena_count;
    struct scan_heap *heaps; /* by address */
    size_t heap_count;
    struct scan_mapped *mapped; /* by address */
    size_t mapped_count;
    struct region *meta; /* by address */
    size_t meta_count;
    struct region *spare; /* reserved heaps that no arena owns */
    size_t spare_count;
    struct place *places; /* of idle chunks in lists, by address */
    size_t place_count;
    struct scan_guard *guards; /* by address */
    size_t guard_count;
    struct region guard_area;  /* reserved for them */
    uint64_t guard_bump;       /* from here on it was never used */
    struct region guard_table; /* of records; part of our metadata */
    uint64_t guard_table_unused;
    size_t cache_count;
    struct walk_mapped_all mapped_all;
    struct walk_meta meta_all;
    bool is_busy; /* as arenas: mapped chunks or metadata are being changed */
    uint64_t here_from, here_to; /* a run of pages, and whether it is resident */
    bool is_here;
    unsigned pauses;    /* to see whether what looked wrong stays so */
    bool is_damaged;    /* a list was cut off */
    bool records;       /* the program runs with request=1 */
    bool wants_request; /* fill in block.request: one more read a chunk */
};

/* Reads everything but the chunks. If nothing makes sense: one line on stderr, and whether
 * the heap is damaged or the process gone. */
enum status scan_open(struct scan *s, struct source *source);
void scan_close(struct scan *s);

/* A place in the scan of one heap. */
enum { ANCHORS = 12 /* earlier boundaries that a torn walk can go back to */ };
struct cursor {
    struct scan *scan;
    struct scan_heap *heap;
    uint64_t at;   /* next chunk */
    uint64_t next; /* end of what was told */
    size_t place;  /* in scan.places */
    uint64_t stop; /* nothing from here on is told */
    uint64_t anchor[ANCHORS];
    uint64_t steps;
    bool done;
};
void cursor_open(struct cursor *c, struct scan *s, struct scan_heap *h);
/* The next chunk of the heap; false behind the fence, or what is broken. */
bool cursor_next(struct cursor *c, struct block *b);

/* Called for each chunk in order of address; false ends the scan. */
typedef bool scan_visit(void *context, const struct block *b);

/* The chunks of one heap, of all heaps, of all mappings. */
bool scan_heap(struct scan *s, struct scan_heap *h, scan_visit *visit, void *context);
bool scan_heaps(struct scan *s, scan_visit *visit, void *context);
bool scan_mappings(struct scan *s, scan_visit *visit, void *context);
/* Blocks between guard pages, freed ones too; one of them, or false if it has just gone;
 * the place of an address and the guard page before it, or NULL; how much of both is
 * resident. */
bool scan_guards(struct scan *s, scan_visit *visit, void *context);
bool scan_guard_block(struct scan *s, const struct scan_guard *g, struct block *b);
const struct scan_guard *scan_guard_of(const struct scan *s, uint64_t address);
/* True of an address in their area. */
bool scan_guard_has(const struct scan *s, uint64_t address);
uint64_t scan_guard_resident(struct scan *s, const struct scan_guard *g);
/* Part of scan_open. */
void scan_read_guards(struct scan *s);
/* Only the chunks that begin in [from, to), where `from` is a chunk's address. h->done is
 * behind the last of them: not `to` if it lay inside of a chunk. */
bool scan_part(struct scan *s, struct scan_heap *h, uint64_t from, uint64_t to,
               scan_visit *visit, void *context);
/* A place near `address` where a chunk begins, or 0. */
uint64_t scan_boundary(struct scan *s, struct scan_heap *h, uint64_t address);
/* After the chunks: which arenas changed meanwhile. */
void scan_settle(struct scan *s);

/* The heap that an address lies in, or NULL. */
struct scan_heap *scan_heap_of(const struct scan *s, uint64_t address);
/* Resident bytes in [from, to), by pages; to - from if that is not known. */
uint64_t scan_resident_runs(struct scan *s, uint64_t from, uint64_t to);
static inline uint64_t scan_resident(struct scan *s, uint64_t from, uint64_t to)
{
    if (LIKELY(from >= s->here_from && to <= s->here_to))
        return s->is_here ? to - from : 0;
    return scan_resident_runs(s, from, to);
}

#endif
