/* Free chunks on their way through the bins: sums, footers, dirty and clean pages. */
#include "support/arena_world.h"

static struct arena *a;

/* A run of live chunks with a live one behind the last. */
static void binned_run(struct chunk **c, unsigned count, size_t size)
{
    a = world_new(1);
    for (unsigned i = 0; i < count; i++)
        c[i] = world_take(a, size);
    world_take(a, 64);
}

static int binned_setup(void **state)
{
    (void)state;
    a = world_new(1);
    return 0;
}

static void binned_interiors(void **state)
{
    (void)state;
    const struct chunk *c = (const struct chunk *)(uintptr_t)0x10000;
    struct clean k = binned_interior(c, 3 * 4096);
    assert_int_equal(k.from, 0x11000); /* the header's page is not free */
    assert_int_equal(k.to, 0x13000);
    k = binned_interior(c, 4096 + 4096 - 16);
    assert_int_equal(k.from, k.to);
    assert_int_equal(k.from, 0);
    c = (const struct chunk *)(uintptr_t)(0x11000 - sizeof *c);
    k = binned_interior(c, 4096 + sizeof *c);
    assert_int_equal(k.from, 0x11000);
    assert_int_equal(k.to, 0x12000);
}

static void binned_clips(void **state)
{
    (void)state;
    const struct chunk *c = (const struct chunk *)(uintptr_t)0x10000;
    struct clean k = binned_clip((struct clean){0, UINTPTR_MAX}, c, 5 * 4096);
    assert_int_equal(k.from, 0x11000);
    assert_int_equal(k.to, 0x15000);
    k = binned_clip((struct clean){0x12000, 0x13000}, c, 5 * 4096);
    assert_int_equal(k.from, 0x12000);
    assert_int_equal(k.to, 0x13000);
    k = binned_clip((struct clean){0x15000, 0x19000}, c, 5 * 4096);
    assert_int_equal(k.from, 0);
    assert_int_equal(k.to, 0);
}

static void binned_there_and_back(void **state)
{
    (void)state;
    struct chunk *c[3];
    binned_run(c, 3, 40960);
    struct chunk *next = chunk_next(c[1]);
    chunk_flip(c[1]);
    uintptr_t page = align_up((uintptr_t)c[1] + 4096, 4096);
    binned_out_to_unsorted(a, c[1], 40960, (struct clean){page, page + 8192});
    assert_int_equal(chunk_idle_state(c[1]), IDLE_UNSORTED);
    assert_false(chunk_prev_inuse(next));
    assert_int_equal(next->prev_size, 40960);
    assert_int_equal(a->free_bytes, 40960);
    struct clean inside = binned_interior(c[1], 40960);
    assert_int_equal(world_dirty(a), inside.to - inside.from - 8192);
    world_walk(a);

    binned_unsorted_to_sorted(a, c[1]);
    assert_int_equal(chunk_idle_state(c[1]), IDLE_BINNED);
    assert_null(a->unsorted);
    assert_ptr_equal(bin_find(&a->bins, 40960), c[1]);
    world_walk(a);

    struct clean clean = binned_to_out(a, c[1], 40960);
    assert_int_equal(clean.from, page);
    assert_int_equal(clean.to, page + 8192);
    assert_int_equal(chunk_idle_state(c[1]), IDLE_OUT);
    assert_true(chunk_prev_inuse(next));
    assert_int_equal(a->free_bytes, 0);
    assert_int_equal(world_dirty(a), 0);
    assert_null(a->dirty_oldest[DIRTY_LONG_LIST]);
    assert_null(a->dirty_newest[DIRTY_LONG_LIST]);
    world_walk(a);
}

static void binned_dirty_list_is_by_age(void **state)
{
    (void)state;
    struct chunk *c[7];
    binned_run(c, 7, 20480);
    for (unsigned i = 1; i < 7; i += 2)
        world_give(a, c[i]);
    assert_ptr_equal(a->dirty_oldest[DIRTY_LONG_LIST], c[1]);
    assert_ptr_equal(c[1]->dirty_next, c[3]);
    assert_ptr_equal(a->dirty_newest[DIRTY_LONG_LIST], c[5]);
    binned_to_out(a, c[3], 20480);
    assert_ptr_equal(c[1]->dirty_next, c[5]);
    assert_ptr_equal(c[5]->dirty_prev, c[1]);
    world_walk(a);
    binned_to_out(a, c[1], 20480);
    assert_ptr_equal(a->dirty_oldest[DIRTY_LONG_LIST], c[5]);
    binned_to_out(a, c[5], 20480);
    assert_int_equal(world_dirty(a), 0);
    world_walk(a);
}

/* A chunk without a whole page in it, or all clean, is in no dirty list. */
static void binned_nothing_dirty(void **state)
{
    (void)state;
    struct chunk *c[5];
    binned_run(c, 5, 20480);
    chunk_flip(c[1]);
    binned_out_to_unsorted(a, c[1], 20480, (struct clean){0, UINTPTR_MAX});
    assert_int_equal(world_dirty(a), 0);
    assert_null(a->dirty_oldest[DIRTY_LONG_LIST]);
    world_walk(a);
    binned_to_out(a, c[1], 20480);
    world_walk(a);
}

static void binned_take_second(void *argument)
{
    binned_to_out(a, ((struct chunk **)argument)[1], 8192);
}

static void binned_is_verified(void **state)
{
    (void)state;
    struct chunk *c[5];
    binned_run(c, 5, 8192);
    world_give(a, c[1]);
    world_give(a, c[3]);
    c[2]->prev_size = 4096;
    expect_fail("corrupted free chunk: footer", binned_take_second, c);
    c[2]->prev_size = 8192;
    chunk_set_prev_inuse(c[2], true);
    expect_fail("corrupted free chunk: P of its neighbour", binned_take_second, c);
    chunk_set_prev_inuse(c[2], false);
    atomic_store(&c[1]->bits, chunk_bits(c[1]) + 16);
    expect_fail("corrupted free chunk: header", binned_take_second, c);
    atomic_store(&c[1]->bits, chunk_bits(c[1]) - 16);
    c[1]->clean_from = 1;
    expect_fail("corrupted free chunk: range of clean pages", binned_take_second, c);
}

static void binned_dirty_links_are_verified(void **state)
{
    (void)state;
    struct chunk *c[5];
    binned_run(c, 5, 8192);
    world_give(a, c[1]);
    world_give(a, c[3]);
    c[1]->dirty_next = c[1];
    expect_fail("corrupted free chunk: list of dirty chunks", binned_take_second, c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(binned_interiors, binned_setup),
        cmocka_unit_test_setup(binned_clips, binned_setup),
        cmocka_unit_test(binned_there_and_back),
        cmocka_unit_test(binned_dirty_list_is_by_age),
        cmocka_unit_test(binned_nothing_dirty),
        cmocka_unit_test(binned_is_verified),
        cmocka_unit_test(binned_dirty_links_are_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
