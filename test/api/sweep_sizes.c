/* Is every size from 0 to 70,000, and around each power of two to 1 GiB, served with
 * an aligned block of which each usable byte is ours alone? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

enum { SMALL = 70000, KEPT = 64, EDGE = 40 };

struct kept {
    unsigned char *mem;
    size_t usable;
    uint64_t seed;
};
static struct kept ring[KEPT];

/* Drops the ring's oldest block, which must hold what was written, and keeps `mem`,
 * written to its last usable byte. */
static void keep(unsigned char *mem, size_t bytes, uint64_t seed)
{
    struct kept *slot = &ring[seed % KEPT];
    if (slot->mem) {
        bool whole = pattern_holds_sparse(slot->mem, slot->usable, slot->seed);
        EXPECT_F(whole, "%zu usable bytes at %p changed", slot->usable,
                 (void *)slot->mem);
        free(slot->mem);
        slot->mem = NULL;
    }
    if (!GOT(mem))
        return;
    size_t usable = malloc_usable_size(mem);
    EXPECT_F(is_aligned(mem, LEAST_ALIGN), "%zu bytes at %p", bytes, (void *)mem);
    EXPECT_F(usable >= bytes, "%zu bytes, usable %zu", bytes, usable);
    pattern_fill_sparse(mem, usable, seed);
    *slot = (struct kept){mem, usable, seed};
}

static unsigned char *ask(unsigned call, size_t bytes)
{
    if (call % 3 == 0)
        return malloc(bytes);
    if (call % 3 == 2)
        return realloc(malloc(bytes / 2), bytes ? bytes : 1);
    unsigned char *mem = calloc(1, bytes);
    if (mem && bytes < (1 << 22))
        EXPECT_F(pattern_not_zero(mem, bytes) == bytes, "calloc of %zu bytes", bytes);
    return mem;
}

/* malloc gets every size; the other calls, beyond 8 KiB, those next to a chunk's edge. */
static bool is_skipped(unsigned call, size_t bytes, size_t step)
{
    bool is_edge = bytes % 16 == 8 || bytes % 16 == 9;
    if (step > 1)
        return bytes % step != 0 && !(is_edge && bytes % (16 * step) < 16);
    return call != 0 && bytes > 8192 && !is_edge;
}

static void sweep_small(void)
{
    size_t step = (size_t)(100 / scaled(100, 1));
    uint64_t seed = 0;
    for (unsigned call = 0; call < 3; call++) {
        for (size_t bytes = 0; bytes <= SMALL; bytes++)
            if (!is_skipped(call, bytes, step))
                keep(ask(call, bytes), bytes, seed++);
        for (size_t bytes = SMALL; bytes-- > 0;)
            if (!is_skipped(call, bytes, step))
                keep(ask(call, bytes), bytes, seed++);
    }
}

static void sweep_powers(void)
{
    uint64_t seed = 0;
    unsigned last = UNDER_SANITIZER ? 27 : 30;
    for (unsigned bit = 12; bit <= last; bit++) {
        size_t step = bit < 22 ? 1 : bit < 27 ? 7 : 20;
        for (size_t off = 0; off <= 2 * EDGE; off += step) {
            size_t bytes = ((size_t)1 << bit) - EDGE + off;
            /* Few large ones at a time. */
            keep(ask((unsigned)off, bytes), bytes, bit < 24 ? seed : seed % 3);
            seed++;
        }
    }
}

int main(void)
{
    sweep_small();
    sweep_powers();
    for (uint64_t i = 0; i < KEPT; i++)
        free(ring[i].mem);
    return expect_done();
}
