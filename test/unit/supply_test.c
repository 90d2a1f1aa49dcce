/* Giving back: what goes is told as what was resident, and malloc_trim tells whether
 * anything went. */
#include "support/os_fake.h"
#include "support/unit.h"

#include "chunky.h"
#include "core/limit.h"
#include "core/mapped.h"
#include "front/options.h"
#include "front/supply.h"
#include "front/thread.h"
#include "os/os.h"

#include <string.h>

#ifndef CHUNKY_HARD_TRIM
#define CHUNKY_HARD_TRIM 0
#endif

enum { BLOCKS = 4000, BYTES = 1000 };

static void *mem[BLOCKS];

static void supply_fill(void)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        mem[i] = chunky_malloc(BYTES);
        assert_non_null(mem[i]);
        memset(mem[i], 1, BYTES);
    }
}

static void supply_tells_what_went(void **state)
{
    (void)state;
    size_t empty = supply_resident();
    supply_fill();
    size_t full = supply_resident();
    assert_true(full - empty >= (size_t)BLOCKS * BYTES);
    assert_true(full - empty < (size_t)BLOCKS * BYTES * 2);
    for (unsigned i = 0; i < BLOCKS; i++)
        chunky_free(mem[i]);
    assert_int_equal(chunky_malloc_trim(0), 1);
    assert_true(supply_resident() < empty + (128 * KIB));
    assert_int_equal(chunky_malloc_trim(0), 0);
}

/* A kept mapping counts with the pages that somebody touched. */
static void supply_untouched_counts_not(void **state)
{
    (void)state;
    chunky_mallopt(M_MMAP_THRESHOLD, 1 * MIB); /* it does not move any more */
    size_t before = supply_resident(), page = os_page_size();
    for (unsigned i = 0; i < 10; i++)
        chunky_free(chunky_malloc(8 * MIB));
    assert_true(mapped.kept_bytes >= 8 * MIB);
    size_t kept = supply_resident() - before;
    assert_true(kept >= page && kept <= 16 * page);
    assert_int_equal(chunky_malloc_trim(0), 1);
    assert_int_equal(mapped.kept_bytes, 0);
    assert_int_equal(mapped_kept_resident(), 0);
}

/* What was to be kept for a while goes by way of the fills and flushes of small blocks. */
static void supply_expires(void **state)
{
    (void)state;
    chunky_mallopt(M_MMAP_THRESHOLD, 1 * MIB);
    os_fake.clock += 10000;
    for (unsigned i = 0; i < 10; i++)
        chunky_free(chunky_malloc(8 * MIB));
    limits.peak += 64 * MIB; /* no heap grows to a peak */
    assert_true(mapped.kept_bytes >= 8 * MIB);
    for (unsigned round = 0; round < 2; round++) {
        supply_fill();
        for (unsigned i = 0; i < BLOCKS; i++)
            chunky_free(mem[i]);
        assert_true((mapped.kept_bytes != 0) == (round == 0));
        os_fake.clock += tune.purge_hold_ms + 1;
    }
}

/* A large block comes out of a free chunk that is resident; where zeroes are wanted, or
 * nothing resident is free, from the system. */
static void supply_takes_holes(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM || tune.check != 0)
        skip();
    const size_t large = 2 * MIB;
    chunky_mallopt(M_MMAP_THRESHOLD, 128 * KIB);
    tune.purge_base = 16 * MIB;
    supply_fill();
    void *last = chunky_malloc(BYTES);
    for (unsigned i = 0; i < BLOCKS; i++)
        chunky_free(mem[i]);
    size_t count = mapped.count;
    void *hole = chunky_malloc(large);
    assert_int_equal(mapped.count, count);
    memset(hole, 1, large);
    void *zeroed = chunky_calloc(1, large);
    assert_int_equal(mapped.count, count + 1);
    chunky_free(hole);
    chunky_malloc_trim(0);
    hole = chunky_malloc(large);
    assert_int_equal(mapped.count, count + 2);
    chunky_free(hole);
    chunky_free(zeroed);
    chunky_free(last);
    tune.purge_base = 512 * KIB;
}

/* Where the heap grows for large blocks alone, one that idles in the cache goes home. */
static void supply_growth_empties_the_cache(void **state)
{
    (void)state;
    enum { IDLE = 300000, GROWS = 90000 };
    struct cache *k = thread_cache();
    if (k == NULL || tune.check != 0)
        skip();
    chunky_mallopt(M_MMAP_THRESHOLD, 1 * MIB);
    const struct stack *s = &k->stack[class_floor(chunk_size_for(IDLE))];
    chunky_free(chunky_malloc(IDLE));
    assert_non_null(s->top[-1]);
    for (unsigned i = 0; i < 200; i++)
        assert_non_null(mem[i] = chunky_malloc(GROWS));
    assert_null(s->top[-1]);
    for (unsigned i = 0; i < 200; i++)
        chunky_free(mem[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(supply_tells_what_went),
        cmocka_unit_test(supply_untouched_counts_not),
        cmocka_unit_test(supply_expires),
        cmocka_unit_test(supply_takes_holes),
        cmocka_unit_test(supply_growth_empties_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
