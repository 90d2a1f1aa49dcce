/*
 * Level 3: blocks that end at a page nobody may touch, and whose pages nobody may touch
 * once they are freed; with the stacks of both. They live in a reserve of their own.
 * One lock, rank GUARD. Notes: docs/notes/checks.md#guard
 */
#ifndef CHUNKY_FRONT_GUARD_H
#define CHUNKY_FRONT_GUARD_H

#include "core/chunk.h"
#include "front/canary.h"
#include "front/frames.h"

#include <stdbool.h>

enum guard_state { GUARD_UNUSED, GUARD_LIVE, GUARD_FREED };

struct guard {
    uintptr_t mem;
    size_t bytes;    /* asked */
    uintptr_t from;  /* first page, behind the guard page before it */
    uintptr_t to;    /* the guard page behind it */
    uint32_t state;  /* enum guard_state */
    uint32_t class;  /* pages of the place: 1 << class */
    uint32_t next;   /* queue of freed ones of the class */
    uint32_t family; /* enum family */
    bool opened;     /* its pages, or those around it, were made accessible: go_on */
    struct frames taken;
    struct frames given;
};

/* Sets the reserve up; false (and no guards) without address space. */
bool guard_start(void);

/* Whether the next block shall be a guarded one: by the rate, or by the sampler that is
 * asked on slow paths only. */
bool guard_is_due(void);

/* A live guarded block, or NULL when there is no place for one. */
void *guard_take(size_t align, size_t bytes, enum family family);
/* Whether this verified live chunk is a guarded one. */
bool guard_owns(const struct chunk *c);
/* Verifies and frees it. */
void guard_give(struct chunk *c);
/* What is known of it. */
const struct guard *guard_of(const struct chunk *c);
/* Overwritten bytes between its end and the guard page are a finding. */
void guard_verify(const struct chunk *c);

/* The block that an address lies in or next to, freed ones too, or NULL. No lock. */
const struct guard *guard_find(uintptr_t address);

/* After a finding that the process survives: the access at `address` may go on. */
bool guard_open(const struct guard *g, uintptr_t address);

/* How many live, and the bytes of their pages. */
void guard_sum(size_t *count, size_t *bytes);

/* What a walk over all blocks shows of a slot; mem is 0 when nothing lives there. */
struct guard_view {
    uintptr_t mem;
    size_t bytes;  /* asked */
    size_t usable; /* up to the guard page */
};
/* Slots count from 1; false: none from this one on. Takes the lock for a moment. */
bool guard_at(uint32_t slot, struct guard_view *view);

/* Fork. */
void guard_lock(void);
void guard_unlock(void);

#endif
