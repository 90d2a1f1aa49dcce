/*
 * The blocks of a fuzzed heap and what is known of each: a worker's own slots, and shared
 * ones through which blocks change hands. The first wrong thing ends the program.
 */
#ifndef TEST_FUZZ_FUZZ_SLOT_H
#define TEST_FUZZ_FUZZ_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunky.h"

enum { SLOTS = 64, SHARED = 32, COMMON = 2 };

struct slot {
    unsigned char *mem;
    size_t bytes;
    size_t align;
    uint64_t seed;
    struct chunky_heap *heap; /* named, or NULL */
};

struct worker {
    const uint8_t *steps; /* every stride bytes one of its own */
    size_t count;
    size_t stride;
    size_t index;
    size_t next;             /* step */
    bool visited;            /* a thread that came and goes plays its steps */
    size_t live;             /* bytes in its slots */
    uint64_t seed;           /* of the next block */
    struct chunky_heap *own; /* no other thread gets blocks of it; NULL: not yet made */
    struct slot slot[SLOTS];
};

/* Named heaps of all threads; NULL where the input has none. The second has a limit. */
extern struct chunky_heap *common[COMMON];

void demand(bool ok, const char *what, const struct slot *s);
/* A call that should have made this block returned NULL: was it allowed to? */
void demand_refusal(const struct slot *s);

/* Enters a new block; what is NULL must have been allowed to fail. */
void slot_enter(struct worker *w, struct slot *s, void *mem, size_t bytes, size_t align,
                struct chunky_heap *heap);
/* Takes the block out of slot and shadow, whole, so that it can be freed. */
struct slot slot_leave(struct worker *w, struct slot *s);
/* Puts a block back that a failed call left as it was. */
void slot_return(struct worker *w, struct slot *s, struct slot left);
void slot_free(struct worker *w, struct slot *s, unsigned way);
/* With a shared one; blocks of the worker's own heap stay. */
void slot_swap(struct worker *w, struct slot *s, size_t with);

/* All shared slots, at the end; nothing else may be in the shadow then. */
void slots_free_shared(struct worker *w);
size_t slots_live(void);
/* Around a fork: no other thread is changing what the child is going to look at. */
void slots_hold(void);
void slots_release(void);

#endif
