/*
 * Blocks that can be checked by whoever holds a pointer to them: size and seed stand in
 * front, a pattern fills the rest. Inline, since the calls have two names.
 */
#ifndef TEST_SUPPORT_PARCEL_H
#define TEST_SUPPORT_PARCEL_H

#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

struct parcel {
    size_t bytes;
    uint64_t seed;
    uint64_t seal; /* follows from the other two */
};

static inline uint64_t parcel_seal(size_t bytes, uint64_t seed)
{
    return random_mix(seed ^ random_mix(bytes));
}

static inline void parcel_write(struct parcel *p, size_t bytes, uint64_t seed)
{
    pattern_fill_sparse(p, bytes, seed);
    *p = (struct parcel){bytes, seed, parcel_seal(bytes, seed)};
}

static inline bool parcel_holds(const struct parcel *p)
{
    return p->seal == parcel_seal(p->bytes, p->seed) &&
           pattern_holds_from(p, sizeof *p, p->bytes, p->seed);
}

/* A block from a random call, of up to 2^bits bytes; NULL if memory may run out. */
static inline struct parcel *parcel_make(struct random *r, unsigned bits)
{
    size_t bytes = sizeof(struct parcel) + random_size(r, bits);
    size_t align = LEAST_ALIGN;
    void *mem = NULL;
    switch (random_below(r, 16)) {
    case 0:
        mem = calloc(1, bytes);
        break;
    case 1:
        mem = realloc(NULL, bytes);
        break;
    case 2:
        align = (size_t)1 << random_below(r, 14);
        mem = memalign(align, bytes);
        break;
    case 3:
        align = (size_t)8 << random_below(r, 8);
        errno = posix_memalign(&mem, align, bytes);
        break;
    default:
        mem = malloc(bytes);
    }
    if (!GOT(mem))
        return NULL;
    EXPECT(is_aligned(mem, align) && is_aligned(mem, LEAST_ALIGN));
    parcel_write(mem, bytes, random_next(r));
    return mem;
}

/* Checks the block (NULL is fine) and frees it. */
static inline void parcel_drop(struct parcel *p)
{
    if (p)
        EXPECT_F(parcel_holds(p), "block %p of %zu bytes changed", (void *)p, p->bytes);
    free(p);
}

/* Checks the block, makes it another size, checks what must have stayed. */
static inline struct parcel *parcel_resize(struct parcel *p, struct random *r,
                                           unsigned bits)
{
    if (!p)
        return parcel_make(r, bits);
    EXPECT_F(parcel_holds(p), "block %p of %zu bytes changed", (void *)p, p->bytes);
    size_t old = p->bytes;
    size_t bytes = sizeof *p + random_size(r, bits);
    struct parcel *moved = realloc(p, bytes);
    if (!GOT(moved))
        return p;
    size_t common = bytes < old ? bytes : old;
    EXPECT_F(pattern_holds_from(moved, sizeof *p, common, moved->seed), "%zu -> %zu",
             old, bytes);
    parcel_write(moved, bytes, moved->seed);
    return moved;
}

#endif
