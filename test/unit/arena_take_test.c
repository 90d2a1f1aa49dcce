/* Out of an arena: which free chunk is taken, how it is cut, and what happens when the
 * system gives no more. */
#include "support/arena_world.h"

#include "core/meta.h"
#include "support/random.h"

#include <errno.h>

static struct arena *a;

/* A row of live chunks, each followed by a live chunk of 32, so that none can merge. */
static void take_row(struct chunk **c, const size_t *size, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        c[i] = world_take(a, size[i]);
        world_take(a, 32);
    }
}

static void take_fast_is_a_stack(void **state)
{
    (void)state;
    a = world_new(1);
    const size_t size[] = {64, 64, 64, 80};
    struct chunk *c[4];
    take_row(c, size, 4);
    for (unsigned i = 0; i < 4; i++)
        world_give(a, c[i]);
    assert_int_equal(a->fast_bytes, 3 * 64 + 80);
    assert_int_equal(world_walk(a).binned, 0);
    for (unsigned i = 3; i-- > 0;)
        assert_ptr_equal(world_take(a, 64), c[i]);
    assert_ptr_equal(world_take(a, 80), c[3]);
    assert_int_equal(world_walk(a).fast, 0);
}

static void take_small_is_a_queue(void **state)
{
    (void)state;
    a = world_new(1);
    const size_t size[] = {512, 512, 512};
    struct chunk *c[3];
    take_row(c, size, 3);
    for (unsigned i = 0; i < 3; i++)
        world_give(a, c[i]);
    world_take(a, 2048); /* sorts the unsorted bin on its way to the top */
    assert_null(a->unsorted);
    for (unsigned i = 0; i < 3; i++)
        assert_ptr_equal(world_take(a, 512), c[i]);
    world_walk(a);
}

static void take_unsorted_exact(void **state)
{
    (void)state;
    a = world_new(1);
    const size_t size[] = {4096, 2048, 4096};
    struct chunk *c[3];
    take_row(c, size, 3);
    for (unsigned i = 0; i < 3; i++)
        world_give(a, c[i]);
    assert_ptr_equal(world_take(a, 2048), c[1]);
    /* The one before was sorted on the way, the one behind was not looked at. */
    assert_int_equal(chunk_idle_state(c[0]), IDLE_BINNED);
    assert_int_equal(chunk_idle_state(c[2]), IDLE_UNSORTED);
    world_walk(a);
}

static void take_best_fit_and_split(void **state)
{
    (void)state;
    a = world_new(1);
    const size_t size[] = {9008, 5008, 7008, 5024};
    struct chunk *c[4];
    take_row(c, size, 4);
    for (unsigned i = 0; i < 4; i++)
        world_give(a, c[i]);
    struct chunk *taken = world_take(a, 4800);
    assert_ptr_equal(taken, c[1]);
    assert_int_equal(chunk_size(taken), 4800);
    struct chunk *rest = chunk_next(taken);
    assert_int_equal(chunk_size(rest), 5008 - 4800);
    assert_ptr_equal(a->unsorted, rest);
    world_walk(a);
    /* A rest of 16 would be no chunk: the block gets it. */
    taken = world_take(a, 5008);
    assert_ptr_equal(taken, c[3]);
    assert_int_equal(chunk_size(taken), 5024);
    assert_int_equal(a->counts.splits, 1);
    world_walk(a);
}

static void take_consolidates_before_it_grows(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c[600];
    assert_true(top_grow(a, 600 * 64 + 100));
    for (unsigned i = 0; i < 600; i++)
        c[i] = world_take(a, 64);
    while (top_size(a) >= 4096 + CHUNK_MIN)
        world_take(a, 4096);
    for (unsigned i = 0; i < 600; i++)
        world_give(a, c[i]);
    assert_int_equal(a->fast_bytes, 600 * 64);
    uint64_t grows = a->counts.grows;
    struct chunk *large = world_take(a, 30000);
    assert_ptr_equal(large, c[0]);
    assert_int_equal(a->fast_bytes, 0);
    assert_int_equal(a->counts.grows, grows);
    assert_int_equal(a->counts.consolidations, 1);
    world_walk(a);
}

static void take_clean_is_zero(void **state)
{
    (void)state;
    struct random r = {7};
    a = world_new(1);
    struct chunk *held[40] = {0};
    for (unsigned round = 0; round < 4000; round++) {
        unsigned i = (unsigned)random_below(&r, 40);
        if (held[i] != NULL) {
            world_give(a, held[i]);
            held[i] = NULL;
            if (round % 7 == 0) {
                arena_lock(a);
                arena_purge(a, 0);
                arena_unlock(a);
            }
            if (round % 31 == 0)
                arena_trim(a, 0);
            continue;
        }
        struct clean clean;
        size_t size = 32 + 16 * random_below(&r, random_below(&r, 2) ? 16000 : 50);
        struct chunk *c = arena_take(a, size, &clean);
        chunk_flip(c);
        assert_true(clean.from <= clean.to);
        if (clean.from != clean.to) {
            assert_true(clean.from >= (uintptr_t)mem_of(c));
            assert_true(clean.to <= (uintptr_t)chunk_next(c) + 8);
        }
        for (const char *byte = (const char *)clean.from; byte < (const char *)clean.to;
             byte++)
            if (*byte != 0)
                unit_fail("memory called clean is not zero");
        memset(mem_of(c), 0xa5, chunk_usable(c));
        held[i] = c;
    }
    world_walk(a);
}

static void take_batches(void **state)
{
    (void)state;
    for (size_t size = 32; size <= 40000; size = (size * 2 + 16) & ~(size_t)15) {
        void *mem[62];
        a = world_new(1);
        size_t got = arena_take_batch(a, size, 62, mem);
        assert_true(got >= 1 && got <= 62);
        for (size_t i = 0; i < got; i++) {
            assert_true(chunk_size(chunk_of(mem[i])) >= size);
            assert_true(chunk_size(chunk_of(mem[i])) <= size + 16);
            assert_true(chunk_is_idle(&heap_keys, chunk_of(mem[i])));
        }
        assert_true(world_walk(a).out >= got * size);
        for (size_t i = 0; i < got; i++)
            arena_give(a, chunk_of(mem[i]));
        world_walk(a);
    }
}

/* Out of what lies there exactly first, then neighbours out of one run. */
static void take_batch_order(void **state)
{
    (void)state;
    a = world_new(1);
    const size_t size[] = {64, 64, 6400};
    struct chunk *c[3];
    void *mem[20];
    take_row(c, size, 3);
    for (unsigned i = 0; i < 3; i++)
        world_give(a, c[i]);
    assert_int_equal(arena_take_batch(a, 64, 20, mem), 20);
    assert_ptr_equal(mem[0], mem_of(c[1]));
    assert_ptr_equal(mem[1], mem_of(c[0]));
    for (unsigned i = 0; i < 18; i++)
        assert_ptr_equal(mem[2 + i], (char *)mem_of(c[2]) + i * (size_t)64);
    world_walk(a);
}

static void take_aligned(void **state)
{
    (void)state;
    struct random r = {3};
    for (size_t align = 32; align <= 65536; align *= 2) {
        a = world_new(1);
        for (unsigned i = 0; i < 60; i++) {
            size_t size = 32 + 16 * random_below(&r, 300);
            struct chunk *c = arena_take_aligned(a, size, align);
            assert_int_equal((uintptr_t)mem_of(c) & (align - 1), 0);
            assert_true(chunk_size(c) >= size && chunk_size(c) <= size + 16);
            chunk_flip(c);
            world_walk(a);
            if (i % 3 == 0)
                world_give(a, c);
        }
    }
}

/* Many in one visit: out of one chunk, the gaps given back, in bins and at the top. */
static void take_aligned_runs(void **state)
{
    (void)state;
    enum { MOST = 40 };
    struct random r = {7};
    for (size_t align = 32; align <= 16384; align *= 2) {
        a = world_new(1);
        for (unsigned i = 0; i < 25; i++) {
            size_t size = 32 + 16 * random_below(&r, 200);
            size_t want = 1 + random_below(&r, MOST);
            void *mem[MOST + 1];
            mem[want] = &r;
            size_t got = arena_take_aligned_batch(a, size, align, want, mem);
            assert_in_range(got, 1, want);
            assert_ptr_equal(mem[want], &r);
            for (size_t j = 0; j < got; j++) {
                struct chunk *c = chunk_of(mem[j]);
                assert_int_equal((uintptr_t)mem[j] & (align - 1), 0);
                assert_in_range(chunk_size(c), size, size + 16);
                assert_true(j == 0 || (char *)mem[j] >= (char *)mem[j - 1] + size);
            }
            for (size_t j = 0; j < got; j++)
                chunk_flip(chunk_of(mem[j]));
            assert_int_equal(world_walk(a).out, 0);
            for (size_t j = i % 3; j < got; j += 3)
                world_give(a, chunk_of(mem[j]));
        }
        world_walk(a);
    }
}

/* Tries, after the look without the lock that says the same. */
static bool take_extend(struct chunk *c, size_t size)
{
    bool may = arena_may_extend(a, c, size), did = arena_extend(a, c, size);
    assert_int_equal(may, did);
    return did;
}

static void take_extends(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c = world_take(a, 4096), *next = world_take(a, 8192);
    struct chunk *last = world_take(a, 64);
    assert_false(take_extend(c, 8192)); /* the neighbour is live, */
    chunk_flip(next);
    assert_false(take_extend(c, 8192)); /* cached, */
    chunk_flip(next);
    world_give(a, next);
    assert_false(take_extend(c, 4096 + 8192 + 16)); /* or too small */
    assert_true(take_extend(c, 8192));
    assert_int_equal(chunk_size(c), 8192);
    assert_true(chunk_is_live(&heap_keys, c));
    world_walk(a);
    assert_true(take_extend(c, 4096 + 8192));
    assert_ptr_equal(chunk_next(c), last);
    world_walk(a);
    /* Into the top, which grows for it. */
    assert_true(take_extend(last, 2 * MIB));
    assert_int_equal(chunk_size(last), 2 * MIB);
    world_walk(a);
}

/* The n-th request for memory fails, for every n: an allocation fails or it does not,
 * but no byte is lost, and it works again afterwards. */
static void take_every_failure(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        for (unsigned n = 1; n <= 12; n++) {
            struct chunk *c[80];
            unsigned count = 0, failed = 0;
            a = world_new(index);
            os_fake.fail_after = n;
            for (unsigned i = 0; i < 80; i++) {
                errno = 0;
                struct chunk *taken = world_take(a, 32 + (size_t)i * 7000 / 16 * 16);
                if (taken == NULL) {
                    assert_int_equal(errno, ENOMEM);
                    failed++;
                } else {
                    c[count++] = taken;
                }
                world_walk(a);
            }
            assert_true(failed <= 1);
            size_t live = 0;
            for (unsigned i = 0; i < count; i++)
                live += chunk_size(c[i]);
            assert_int_equal(world_walk(a).live, live);
            for (unsigned i = 0; i < count; i++)
                world_give(a, c[i]);
            arena_consolidate(a);
            assert_int_equal(world_walk(a).live + world_walk(a).out, 0);
        }
    }
}

static void take_fast_64(void *argument)
{
    (void)argument;
    arena_take(a, 64, NULL);
}

static void take_forged_fast_link(void **state)
{
    (void)state;
    a = world_new(1);
    const size_t size[] = {64, 64, 80};
    struct chunk *c[3];
    take_row(c, size, 3);
    world_give(a, c[0]);
    world_give(a, c[1]);
    c[1]->fd = c[2]; /* a live chunk of another size */
    take_fast_64(NULL);
    expect_fail("corrupted fast bin: link leads to no chunk of this bin", take_fast_64,
                NULL);
    a->fast[4] = (struct chunk *)((uintptr_t)c[0] + 8);
    expect_fail("corrupted fast bin: link leads to no chunk of this bin", take_fast_64,
                NULL);
}

static void take_extend_first(void *argument)
{
    arena_extend(a, argument, 8192);
}

static void take_extend_verifies(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c = world_take(a, 4096), *next = world_take(a, 8192);
    world_take(a, 64);
    world_give(a, next);
    memset((char *)mem_of(c) + chunk_usable(c), 'A', 8);
    assert_true(arena_may_extend(a, c, 8192)); /* so that it is told */
    expect_fail("heap overflow: header behind the block was overwritten",
                take_extend_first, c);
}

/* Only what is free and resident, the best fit of it; the heap does not grow for it. */
static void take_holes(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        a = world_new(index);
        const size_t size[] = {300 * KIB, 600 * KIB, 200 * KIB, 900 * KIB};
        struct chunk *c[4];
        take_row(c, size, 4);
        size_t heap_bytes = a->heap_bytes;
        assert_null(arena_take_hole(a, 150 * KIB));
        struct chunk *small = world_take(a, 1040);
        world_take(a, 32);
        world_give(a, small);
        assert_null(arena_take_hole(a, 1040)); /* which does not say what is resident */
        assert_ptr_equal(world_take(a, 1040), small);
        for (unsigned i = 0; i < 3; i++)
            world_give(a, c[i]);
        assert_ptr_equal(arena_take_hole(a, 250 * KIB), c[0]);
        chunk_flip(c[0]);
        assert_int_equal(world_walk(a).binned, 850 * KIB);
        assert_null(arena_take_hole(a, 700 * KIB));
        assert_int_equal(a->heap_bytes, heap_bytes);
        arena_lock(a);
        arena_purge(a, 0);
        arena_unlock(a);
        assert_null(arena_take_hole(a, 250 * KIB));
        world_give(a, c[0]);
        world_give(a, c[3]);
        assert_null(arena_take_hole(a, 500 * KIB)); /* the best fit is not resident */
        assert_ptr_equal(arena_take_hole(a, 700 * KIB), c[3]);
        chunk_flip(c[3]);
        assert_ptr_equal(arena_take_hole(a, 250 * KIB), c[0]);
        chunk_flip(c[0]);
        world_walk(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_fast_is_a_stack),
        cmocka_unit_test(take_small_is_a_queue),
        cmocka_unit_test(take_unsorted_exact),
        cmocka_unit_test(take_best_fit_and_split),
        cmocka_unit_test(take_consolidates_before_it_grows),
        cmocka_unit_test(take_clean_is_zero),
        cmocka_unit_test(take_batches),
        cmocka_unit_test(take_batch_order),
        cmocka_unit_test(take_aligned),
        cmocka_unit_test(take_aligned_runs),
        cmocka_unit_test(take_holes),
        cmocka_unit_test(take_extends),
        cmocka_unit_test(take_every_failure),
        cmocka_unit_test(take_forged_fast_link),
        cmocka_unit_test(take_extend_verifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
