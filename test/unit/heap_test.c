/* Heaps over a break that others move or that is refused, and over reserved spans. */
#include "support/arena_world.h"

#include "core/meta.h"

#include <errno.h>

#ifndef CHUNKY_HARD_GROW
#define CHUNKY_HARD_GROW 0
#endif

static void heap_expect_one_chunk(const struct heap *h, size_t need)
{
    const struct chunk *fence = heap_fence(h);
    assert_int_equal((uintptr_t)mem_of(h->first) % CHUNK_ALIGN, 0);
    assert_ptr_equal(chunk_next(h->first), fence);
    assert_true(chunk_size(h->first) >= need);
    assert_true(chunk_is_idle(&heap_keys, h->first) && chunk_prev_inuse(h->first));
    assert_true(chunk_is_live(&heap_keys, fence) && chunk_prev_inuse(fence));
    assert_int_equal(chunk_size(fence), FENCE_SIZE);
}

static void heap_break_starts_and_grows(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    struct heap *h = heap_create_break(a, 1000, &world_tune);
    heap_expect_one_chunk(h, 1000);
    assert_int_equal(h->kind, HEAP_BREAK);
    assert_int_equal(h->end, (uintptr_t)os_fake_break());
    assert_true(heap_in_break(h->first));
    assert_false(heap_in_break((void *)h->end));
    assert_false(heap_in_break(h));
    assert_true(heap_may_hold(h->first, h->end - (uintptr_t)h->first));
    assert_false(heap_may_hold(h->first, h->end - (uintptr_t)h->first + 1));
    assert_false(heap_may_hold(h->first, (size_t)0x7ffd << 32));
    uintptr_t end = h->end;
    struct chunk *old_fence = heap_fence(h);
    chunk_set_prev_inuse(old_fence, false);
    size_t got = heap_grow(h, 50000, &world_tune);
    assert_true(got >= 50000);
    assert_int_equal(h->end, end + got);
    assert_false(chunk_prev_inuse(heap_fence(h))); /* P moves with the fence */
    assert_int_equal(*(uint64_t *)((uintptr_t)old_fence + 8), 0);
}

static void heap_break_is_ragged(void **state)
{
    (void)state;
    for (size_t off = 1; off < 4096; off += 585) {
        struct arena *a = world_new(0);
        os_fake_ragged_break(off);
        struct heap *h = heap_create_break(a, 1000, &world_tune);
        heap_expect_one_chunk(h, 1000);
        assert_int_equal(h->end % 4096, 0);
        assert_int_equal(h->end, (uintptr_t)os_fake_break());
        assert_true(heap_grow(h, 1, &world_tune) != 0);
    }
}

static void heap_break_moved_by_others(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    struct heap *h = heap_create_break(a, 1000, &world_tune);
    uintptr_t end = h->end;
    os_fake_foreign_break(10000);
    char *foreign = os_fake_break();
    assert_int_equal(heap_grow(h, 5000, &world_tune), 0);
    assert_int_equal(h->end, end);
    assert_ptr_equal(os_fake_break(), foreign); /* what was got went back */
    assert_int_equal(heap_shrink(h, 8192), 0);  /* not the last any more */
    struct heap *next = heap_create_break(a, 1000, &world_tune);
    heap_expect_one_chunk(next, 1000);
    assert_true(next->start >= (uintptr_t)foreign);
}

static void heap_break_shrinks(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    struct heap *h = heap_create_break(a, 100000, &world_tune);
    uintptr_t end = h->end;
    assert_int_equal(heap_shrink(h, 4095), 0);
    assert_int_equal(heap_shrink(h, 9000), 8192);
    assert_int_equal(h->end, end - 8192);
    assert_int_equal((uintptr_t)os_fake_break(), h->end);
    assert_true(chunk_is_live(&heap_keys, heap_fence(h)));
    size_t got = heap_grow(h, 8192, &world_tune);
    assert_true(got >= 8192);
    assert_int_equal(h->end, end - 8192 + got);
}

static void heap_break_refused(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    size_t used = meta.used;
    os_fake.refuse_break = true;
    assert_null(heap_create_break(a, 1000, &world_tune));
    assert_int_equal(meta.used, used);
}

/* The whole step is refused, the bare need is not. */
static void heap_takes_what_there_is(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    os_fake.refuse_above = 8192;
    struct heap *h = heap_create_break(a, 1000, &world_tune);
    heap_expect_one_chunk(h, 1000);
    assert_int_equal(heap_size(h), 4096);
    assert_int_equal(heap_grow(h, 5000, &world_tune), 8192);
    assert_int_equal(heap_grow(h, 8193, &world_tune), 0);

    a = world_new(1);
    os_fake.refuse_above = 8192;
    h = heap_create_spanned(a, 1000, NON_MAIN_ARENA, &world_tune);
    heap_expect_one_chunk(h, 1000);
    assert_int_equal(heap_size(h), 4096);
    assert_int_equal(heap_grow(h, 8192, &world_tune), 8192);
    assert_int_equal(heap_grow(h, 8193, &world_tune), 0);
}

static void heap_spanned_is_found(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    struct heap *h = heap_create_spanned(a, 300000, NON_MAIN_ARENA, &world_tune);
    heap_expect_one_chunk(h, 300000);
    assert_int_equal((uintptr_t)h % HEAP_SPAN, 0);
    assert_ptr_equal(heap_of_spanned(h->first), h);
    assert_ptr_equal(heap_of_spanned((void *)(h->limit - 1)), h);
    assert_int_equal(chunk_bits(h->first) & NON_MAIN_ARENA, NON_MAIN_ARENA);
    assert_int_equal(chunk_bits(heap_fence(h)) & NON_MAIN_ARENA, NON_MAIN_ARENA);
    assert_false(heap_in_break(h->first));
    assert_true(heap_may_hold(h->first, h->limit - (uintptr_t)h->first));
    assert_false(heap_may_hold(h->first, HEAP_SPAN));
}

static void heap_spanned_ends(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    struct heap *h = heap_create_spanned(a, 1000, 0, &world_tune);
    while (heap_grow(h, 1 * MIB, &world_tune) != 0)
        assert_true(h->end <= h->limit);
    size_t left = h->limit - h->end;
    assert_true(left < 1 * MIB);
    assert_int_equal(heap_grow(h, left + 1, &world_tune), 0);
    if (left != 0)
        assert_int_equal(heap_grow(h, left, &world_tune), left);
    assert_int_equal(h->end, h->limit);
    memset(h->first, 1, 64);
    assert_int_equal(heap_shrink(h, 1 * MIB), 1 * MIB);
    size_t got = heap_grow(h, 1 * MIB, &world_tune);
    assert_int_equal(got, 1 * MIB);
    /* What was given back reads as zero, the old fence too. */
    const char *bytes = (const char *)(h->end - got - CHUNK_HEADER);
    for (size_t i = 0; i < got; i++)
        assert_int_equal(bytes[i], 0);
}

static void heap_spanned_fails(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    errno = 0;
    assert_null(heap_create_spanned(a, HEAP_SPAN, 0, &world_tune));
    assert_int_equal(errno, ENOMEM);
    assert_null(heap_create_spanned(a, SIZE_MAX - 100, 0, &world_tune));
    os_fake.refuse_commit = true;
    assert_null(heap_create_spanned(a, 1000, 0, &world_tune));
    assert_int_equal(os_fake.mapped, 0);
    os_fake.refuse_commit = false;
    os_fake.fail_after = 1;
    assert_null(heap_create_spanned(a, 1000, 0, &world_tune));
    assert_int_equal(os_fake.mapped, 0);
}

/* A whole free heap goes to the next arena that wants one, and only so many wait. */
static void heap_spares(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    struct heap *h[12];
    for (unsigned i = 0; i < 12; i++)
        h[i] = heap_create_spanned(a, 200000, 0, &world_tune);
    assert_int_equal(os_fake.mapped, 12 * HEAP_SPAN);
    for (unsigned i = 0; i < 12; i++)
        heap_destroy(h[i]);
    size_t kept = os_fake.mapped / HEAP_SPAN;
    assert_true(kept >= 1 && kept < 12);
    unsigned reserves = os_fake.reserves;
    for (size_t i = 0; i < kept; i++) {
        struct heap *again =
            heap_create_spanned(&arena_main, 300000, NON_MAIN_ARENA, &world_tune);
        heap_expect_one_chunk(again, 300000);
        assert_ptr_equal(again->arena, &arena_main);
        assert_null(again->next);
        /* Its pages are as fresh, but for the first. */
        const char *bytes = (const char *)again + 4096;
        for (size_t j = 0; j < 200000; j++)
            assert_int_equal(bytes[j], 0);
    }
    assert_int_equal(os_fake.reserves, reserves);
    assert_non_null(heap_create_spanned(a, 1000, 0, &world_tune));
    assert_int_equal(os_fake.reserves, reserves + 1);
}

static void heap_steps_grow(void **state)
{
    (void)state;
    if (CHUNKY_HARD_GROW)
        skip();
    struct arena *a = world_new(1);
    struct heap *h = heap_create_spanned(a, 1000, 0, &world_tune);
    size_t step = heap_grow(h, 1, &world_tune);
    assert_true(step >= 64 * KIB);
    assert_true(heap_grow(h, 8 * MIB, &world_tune) >= 8 * MIB);
    assert_true(heap_grow(h, 1, &world_tune) >= heap_size(h) / 16);
    a = world_new(0);
    h = heap_create_break(a, 1000, &world_tune);
    world_tune.top_pad = 1 * MIB;
    assert_true(heap_grow(h, 1, &world_tune) >= 1 * MIB);
}

static void heap_larger_pages(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    os_fake.page = 65536;
    struct heap *h = heap_create_spanned(a, 1000, 0, &world_tune);
    heap_expect_one_chunk(h, 1000);
    assert_int_equal(h->end % 65536, 0);
    assert_int_equal(heap_grow(h, 1, &world_tune) % 65536, 0);
    a = world_new(0);
    os_fake.page = 65536;
    os_fake_ragged_break(4096);
    h = heap_create_break(a, 1000, &world_tune);
    heap_expect_one_chunk(h, 1000);
    assert_int_equal(h->end % 65536, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_break_starts_and_grows),
        cmocka_unit_test(heap_break_is_ragged),
        cmocka_unit_test(heap_break_moved_by_others),
        cmocka_unit_test(heap_break_shrinks),
        cmocka_unit_test(heap_break_refused),
        cmocka_unit_test(heap_takes_what_there_is),
        cmocka_unit_test(heap_spanned_is_found),
        cmocka_unit_test(heap_spanned_ends),
        cmocka_unit_test(heap_spanned_fails),
        cmocka_unit_test(heap_spares),
        cmocka_unit_test(heap_steps_grow),
        cmocka_unit_test(heap_larger_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
