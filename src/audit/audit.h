/*
 * The numbered invariants of the heap, checked over a walk: by the audit build at every
 * public exit, and by `chunky check` from outside. Never locks, allocates or writes to
 * the heap. Notes: docs/notes/invariants.md
 */
#ifndef CHUNKY_AUDIT_AUDIT_H
#define CHUNKY_AUDIT_AUDIT_H

#include "audit/walk.h"

struct audit_finding {
    const char *rule; /* "C3: no two adjacent free chunks" */
    uint64_t arena;   /* address of the struct, or 0 */
    uint64_t heap;    /* the same */
    uint64_t chunk;   /* what is wrong: a chunk, a record, a slot; or 0 */
    uint64_t other;   /* neighbour or link that shows it, or 0 */
    uint64_t found;   /* numbers, for the text */
    uint64_t expected;
};

/* Sums of one kind of chunk. */
struct audit_sum {
    uint64_t count, size;
};

/* Where two that share the chunks of an arena meet: the first ends with this chunk, and
 * the second begins behind it. */
struct audit_seam {
    uint64_t heap, chunk; /* 0: none */
};

struct audit {
    struct walk *walk;
    void (*report)(struct audit *u, const struct audit_finding *f);
    void *context; /* of the report */
    /* Told of each binned chunk that is passed in order of address; or NULL. */
    void (*binned)(struct audit *u, const struct walk_chunk *c);
    void *listener; /* of binned */
    uint64_t findings;
    uint64_t most;    /* the audit ends after so many */
    uint64_t chunks;  /* looked at so far */
    bool chunks_only; /* no lists: chunks and sums */
    struct audit_seam begin, end;
    bool has_met; /* `end` is a chunk, and it was reached */
    /* Of the arena that is being looked at: */
    struct walk_arena arena;
    struct walk_heap heap;
    struct audit_sum state[WALK_STATES];
    uint64_t dirty; /* resident whole free pages, bytes */
    uint64_t heap_bytes;
};

/* Everything of one arena; its lock is held, or nobody runs. False if the audit ended. */
bool audit_arena(struct audit *u, uint64_t address);
/* Its parts, for those who share the work. The chunks from u->begin to u->end; adding the
 * sums of who began at our end; the arena's own sums. False if there is no use in going
 * on. */
bool audit_arena_chunks(struct audit *u, uint64_t address);
void audit_arena_join(struct audit *u, const struct audit *second);
bool audit_arena_sums(struct audit *u);
/* The rings of one in `parts` bins, which needs no more than u->arena and adds to bins[0],
 * of the unsorted one to bins[1]; all other lists. */
bool audit_bins(struct audit *u, unsigned part, unsigned parts,
                struct audit_sum bins[2]);
bool audit_arena_lists(struct audit *u, const struct audit_sum bins[2]);
/* All caches; their threads do not run. */
bool audit_caches(struct audit *u);
/* Mapped chunks and metadata; nobody runs. */
bool audit_mapped(struct audit *u);
bool audit_meta(struct audit *u);
/* All of it. */
bool audit_all(struct audit *u);

/* Number and sentence of each rule in turn; NULL behind the last. */
const char *audit_rule(unsigned i);

/* Rules, as audit_rule counts them. */
enum audit_id {
    RULE_A1,
    RULE_A2,
    RULE_A3,
    RULE_A4,
    RULE_A5,
    RULE_A6,
    RULE_A7,
    RULE_H1,
    RULE_H2,
    RULE_H3,
    RULE_H4,
    RULE_H5,
    RULE_C1,
    RULE_C2,
    RULE_C3,
    RULE_C4,
    RULE_C5,
    RULE_C6,
    RULE_C7,
    RULE_C8,
    RULE_B1,
    RULE_B2,
    RULE_B3,
    RULE_B4,
    RULE_B5,
    RULE_B6,
    RULE_B7,
    RULE_B8,
    RULE_K1,
    RULE_K2,
    RULE_K3,
    RULE_K4,
    RULE_K5,
    RULE_D1,
    RULE_D2,
    RULE_D3,
    RULE_M1,
    RULE_M2,
    RULE_M3,
    RULE_M4,
    RULE_T1,
    RULE_COUNT
};

/* The links of a free chunk; those a small chunk has not are 0. */
struct audit_links {
    struct walk_chunk chunk;
    uint64_t fd, bk, fd_size, bk_size, dirty_next, dirty_prev;
};

/* For the other files of the audit: a finding about `chunk`; false when the audit ends. */
bool audit_find(struct audit *u, enum audit_id rule, uint64_t chunk, uint64_t other,
                uint64_t found, uint64_t expected);
/* False if no header of ours is at `address`. */
bool audit_links_of(struct audit *u, uint64_t address, struct audit_links *l);
/* Where whole pages lie in a free chunk, behind its members; none: *to is *from. */
void audit_interior(const struct audit *u, const struct walk_chunk *c, uint64_t *from,
                    uint64_t *to);
bool audit_bins_sums(struct audit *u, const struct audit_sum bins[2]);
bool audit_fast(struct audit *u);
bool audit_dirty_lists(struct audit *u);
bool audit_magazines(struct audit *u, uint64_t first, uint64_t class, uint64_t *bytes);
bool audit_depot(struct audit *u);

/* Inside the process: aborts with the broken rule. Whole arenas are walked at a share of
 * the exits, so that the cost per call stays bounded. Arena lock held. */
struct arena;
void audit_inside(const struct arena *a);
#define AUDIT(arena) audit_inside(arena)

#endif
