/* Directly mapped chunks: place, resize, what is kept, the threshold, failures. */
#include "support/arena_world.h"

#include "core/mapped.h"
#include "core/limit.h"
#include "core/meta.h"
#include "core/take.h"

#include <errno.h>

static int mapped_setup(void **state)
{
    (void)state;
    world_new(0);
    memset(&mapped, 0, sizeof mapped);
    lock_init(&mapped.lock, RANK_MAPPED);
    return 0;
}

static struct chunk *mapped_new(size_t bytes, size_t align)
{
    bool zeroed;
    struct chunk *c = mapped_take(bytes, align, &world_tune, &zeroed);
    assert_non_null(c);
    assert_true(chunk_is_mapped(c) && chunk_is_live(&heap_keys, c));
    assert_true(chunk_usable(c) >= bytes);
    assert_int_equal((uintptr_t)mem_of(c) % max_size(align, 16), 0);
    if (zeroed)
        for (size_t i = 0; i < bytes; i += 509)
            assert_int_equal(((char *)mem_of(c))[i], 0);
    memset(mem_of(c), 0x3c, chunk_usable(c));
    return c;
}

static void mapped_free(struct chunk *c)
{
    chunk_flip(c);
    mapped_give(c, &world_tune);
}

static void mapped_sizes(void **state)
{
    (void)state;
    for (size_t bytes = 4096 - 40; bytes < 4096 + 40; bytes++) {
        struct chunk *c = mapped_new(bytes, 16);
        assert_true(chunk_usable(c) < bytes + 4096);
        assert_int_equal(mapped.bytes % 4096, 0);
        mapped_free(c);
    }
    mapped_expire(&world_tune, true);
    assert_int_equal(mapped.count, 0);
    assert_int_equal(mapped.bytes, 0);
}

static void mapped_aligned(void **state)
{
    (void)state;
    for (size_t align = 16; align <= 4 * MIB; align *= 2) {
        size_t before = os_fake.mapped;
        struct chunk *c = mapped_new(300000, align);
        assert_true(mapped.bytes <= 300000 + 3 * 4096);
        mapped_free(c);
        mapped_expire(&world_tune, true);
        assert_true(os_fake.mapped <= before + META_REGION);
    }
}

static void mapped_resizes(void **state)
{
    (void)state;
    struct chunk *c = mapped_new(200000, 16);
    for (size_t bytes = 150000; bytes < 8 * MIB; bytes += bytes / 2) {
        size_t before = min_size(chunk_usable(c), bytes);
        memset(mem_of(c), 0x3c, chunk_usable(c));
        c = mapped_resize(c, bytes);
        assert_non_null(c);
        assert_true(chunk_is_live(&heap_keys, c) && chunk_usable(c) >= bytes);
        for (size_t i = 0; i < before; i += 101)
            assert_int_equal(((unsigned char *)mem_of(c))[i], 0x3c);
        assert_int_equal(mapped.count, 1);
    }
    size_t usable = chunk_usable(c);
    os_fake.fail_after = 1;
    assert_null(mapped_resize(c, 64 * MIB));
    assert_null(mapped_resize(c, SIZE_MAX - 8));
    assert_int_equal(chunk_usable(c), usable);
    assert_true(chunk_is_live(&heap_keys, c));
    mapped_free(c);
}

/* A program that maps, frees and maps again soon has its mapping kept, for a while. */
static void mapped_keeps_and_expires(void **state)
{
    (void)state;
    world_tune.dynamic = 0;
    for (unsigned i = 0; i < 10; i++)
        mapped_free(mapped_new(1 * MIB, 16));
    assert_true(mapped.reuses >= 7);
    assert_true(mapped.kept_bytes >= 1 * MIB && mapped.kept_bytes <= 2 * MIB);
    assert_int_equal(mapped_expire(&world_tune, false), 0);
    os_fake.clock += world_tune.purge_hold_ms + 1;
    size_t kept = mapped.kept_bytes;
    assert_int_equal(mapped_expire(&world_tune, false), kept);
    assert_int_equal(mapped.kept_bytes, 0);
    /* Long after: it is not kept at once. */
    os_fake.clock += 10000;
    mapped_free(mapped_new(1 * MIB, 16));
    assert_int_equal(mapped.kept_bytes, 0);
    /* What is kept too long goes with the next free of any mapped chunk. */
    mapped_free(mapped_new(1 * MIB, 16));
    mapped_free(mapped_new(1 * MIB, 16));
    assert_true(mapped.kept_bytes >= 1 * MIB);
    struct chunk *other = mapped_new(200000, 16);
    os_fake.clock += world_tune.purge_hold_ms + 1;
    mapped_free(other);
    assert_int_equal(mapped.kept_bytes, 0);
}

/* What is reused is not said to be zero, and not much larger than what was asked. */
static void mapped_reuse_fits(void **state)
{
    (void)state;
    bool zeroed;
    world_tune.dynamic = 0;
    mapped_free(mapped_new(2 * MIB, 16)); /* so much was once live */
    for (unsigned i = 0; i < 3; i++)
        mapped_free(mapped_new(1 * MIB, 16));
    assert_true(mapped.kept_bytes != 0);
    struct chunk *small = mapped_take(256 * KIB, 16, &world_tune, &zeroed);
    assert_true(zeroed && chunk_usable(small) < 300 * KIB);
    struct chunk *same = mapped_take(1 * MIB - 4096, 16, &world_tune, &zeroed);
    assert_false(zeroed);
    assert_int_equal(mapped.kept_bytes, 0);
    mapped_free(same);
    mapped_free(small);
}

/* Kept mappings go before a fresh one would lift both above what was once live. */
static void mapped_kept_makes_room(void **state)
{
    (void)state;
    bool zeroed;
    world_tune.dynamic = 0;
    for (unsigned i = 0; i < 3; i++)
        mapped_free(mapped_new(1 * MIB, 16));
    assert_true(mapped.kept_bytes >= 1 * MIB);
    size_t peak = mapped.peak_bytes, unmaps = mapped.unmaps;
    struct chunk *other = mapped_take(256 * KIB, 16, &world_tune, &zeroed);
    assert_true(zeroed);
    assert_int_equal(mapped.kept_bytes, 0);
    assert_int_equal(mapped.unmaps, unmaps + 1);
    assert_int_equal(mapped.peak_bytes, peak);
    assert_true(os_fake.mapped <= peak + META_REGION);
    mapped_free(other);
}

/* And before a heap grows above what was once taken; while it stays below, they stay. */
static void mapped_kept_yields(void **state)
{
    (void)state;
    world_tune.dynamic = 0;
    limits.peak = limits.used;
    mapped_free(mapped_new(8 * MIB, 16));
    for (unsigned i = 0; i < 3; i++)
        mapped_free(mapped_new(1 * MIB, 16));
    size_t kept = mapped.kept_bytes;
    assert_true(kept >= 1 * MIB);
    assert_true(limits.used + 2 * MIB < limits.peak);
    assert_true(top_grow(&arena_main, 1 * MIB));
    assert_int_equal(mapped_expire(&world_tune, false), 0);
    limits.peak = limits.used;
    mapped_yield(kept / 16); /* not worth a mapping */
    assert_int_equal(mapped_expire(&world_tune, false), 0);
    assert_true(top_grow(&arena_main, 16 * MIB));
    assert_int_equal(limits.used, limits.peak);
    assert_int_equal(mapped.kept_bytes, kept); /* an arena's lock is held */
    assert_true(limits.kept_until != 0);
    assert_int_equal(mapped_expire(&world_tune, false), kept);
    assert_int_equal(mapped.kept_bytes, 0);
    assert_int_equal(mapped.yielded, 0);
    /* Growth from before the first of them was kept asks for none. */
    for (unsigned round = 0; round < 3; round++) {
        mapped_free(mapped_new(1 * MIB, 16));
        assert_int_equal(mapped.kept_bytes, kept);
        limits.peak = limits.used;
        mapped_yield(kept / 10);
        assert_int_equal(mapped_expire(&world_tune, false), 0);
        assert_int_equal(mapped_expire(&world_tune, true), kept);
    }
}

/* What a heap would serve from now on is not kept. */
static void mapped_below_threshold_is_not_kept(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        mapped_free(mapped_new(world_tune.mmap_threshold_max + 8 * MIB, 16));
    size_t kept = mapped.kept_bytes;
    assert_true(kept != 0);
    struct chunk *large = mapped_new(world_tune.mmap_threshold_max + 8 * MIB, 16);
    assert_int_equal(mapped.kept_bytes, 0);
    mapped_free(mapped_new(2 * MIB, 16));
    assert_true(world_tune.mmap_threshold >= 2 * MIB);
    assert_int_equal(mapped.kept_bytes, 0);
    mapped_free(large);
    assert_int_equal(mapped.kept_bytes, kept);
}

static void mapped_threshold_moves(void **state)
{
    (void)state;
    mapped_free(mapped_new(1 * MIB, 16));
    assert_true(world_tune.mmap_threshold >= 1 * MIB);
    assert_true(world_tune.trim_threshold >= 2 * MIB);
    size_t threshold = world_tune.mmap_threshold;
    mapped_free(mapped_new(200000, 16));
    mapped_free(mapped_new(64 * MIB, 16)); /* above the maximum */
    assert_int_equal(world_tune.mmap_threshold, threshold);
    world_tune.dynamic = 0;
    mapped_free(mapped_new(8 * MIB, 16));
    assert_int_equal(world_tune.mmap_threshold, threshold);
}

static void mapped_failures(void **state)
{
    (void)state;
    bool zeroed;
    for (unsigned n = 1; n <= 4; n++) {
        mapped_setup(NULL);
        memset(&meta, 0, sizeof meta);
        lock_init(&meta.lock, RANK_META);
        os_fake.fail_after = n;
        errno = 0;
        struct chunk *c = mapped_take(300000, 16, &world_tune, &zeroed);
        if (c == NULL) {
            assert_int_equal(errno, ENOMEM);
            assert_int_equal(mapped.count, 0);
            assert_int_equal(mapped.bytes, 0);
        } else {
            mapped_free(c);
        }
        os_fake.fail_after = 0;
        mapped_free(mapped_new(300000, 16));
        mapped_expire(&world_tune, true);
        size_t guards = meta.mapped == 0 ? 0 : 2 * os_page_size();
        assert_int_equal(os_fake.mapped, meta.mapped + guards);
    }
    errno = 0;
    assert_null(mapped_take(SIZE_MAX - 4096, 16, &world_tune, &zeroed));
    assert_int_equal(errno, ENOMEM);
    assert_null(mapped_take(PTRDIFF_MAX, 4096, &world_tune, &zeroed));
    world_tune.mmap_max = 1;
    assert_true(mapped_has_room(&world_tune));
    struct chunk *c = mapped_new(300000, 16);
    assert_false(mapped_has_room(&world_tune));
    mapped_free(c);
    assert_true(mapped_has_room(&world_tune));
}

static void mapped_numbers_are_reused(void **state)
{
    (void)state;
    struct chunk *c[200];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 200; i++)
            c[i] = mapped_new(5000, 16);
        assert_int_equal(mapped.count, 200);
        for (unsigned i = 0; i < 200; i++)
            mapped_free(c[(i * 7) % 200]);
        mapped_expire(&world_tune, true);
    }
    assert_int_equal(mapped.slot_free, 200);
}

static void mapped_free_it(void *c)
{
    mapped_give(c, &world_tune);
}

static void mapped_number_is_verified(void **state)
{
    (void)state;
    struct chunk *c = mapped_new(5000, 16), *d = mapped_new(5000, 16);
    chunk_flip(c);
    c->prev_size = d->prev_size;
    expect_fail("corrupted prev_size of a mapped block", mapped_free_it, c);
    lock_give(&mapped.lock); /* expect_fail came back from under it */
    c->prev_size = UINT64_MAX;
    expect_fail("corrupted prev_size of a mapped block", mapped_free_it, c);
    lock_give(&mapped.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mapped_sizes, mapped_setup),
        cmocka_unit_test_setup(mapped_aligned, mapped_setup),
        cmocka_unit_test_setup(mapped_resizes, mapped_setup),
        cmocka_unit_test_setup(mapped_keeps_and_expires, mapped_setup),
        cmocka_unit_test_setup(mapped_reuse_fits, mapped_setup),
        cmocka_unit_test_setup(mapped_kept_makes_room, mapped_setup),
        cmocka_unit_test_setup(mapped_kept_yields, mapped_setup),
        cmocka_unit_test_setup(mapped_below_threshold_is_not_kept, mapped_setup),
        cmocka_unit_test_setup(mapped_threshold_moves, mapped_setup),
        cmocka_unit_test_setup(mapped_failures, mapped_setup),
        cmocka_unit_test_setup(mapped_numbers_are_reused, mapped_setup),
        cmocka_unit_test_setup(mapped_number_is_verified, mapped_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
