/* The top chunk: cutting, growth in place, a new heap, what becomes of the old top. */
#include "support/arena_world.h"

#include <errno.h>

static void top_starts_and_is_cut(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        struct arena *a = world_new(index);
        assert_int_equal(top_size(a), 0);
        assert_int_equal(top_dirty(a), 0);
        assert_true(top_grow(a, 1000));
        assert_true(top_size(a) >= 1000 + CHUNK_MIN);
        struct chunk *top = a->top;
        size_t size = top_size(a);
        struct chunk *c = top_cut(a, 1008, NULL);
        assert_ptr_equal(c, top);
        assert_int_equal(chunk_size(c), 1008);
        assert_ptr_equal(a->top, chunk_at(c, 1008));
        assert_int_equal(top_size(a), size - 1008);
        assert_true(chunk_is_idle(&heap_keys, c));
        world_walk(a);
    }
}

static void top_grows_in_place(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    assert_true(top_grow(a, 1000));
    struct chunk *top = a->top;
    for (size_t need = 10000; need < 10 * MIB; need *= 3) {
        assert_true(top_grow(a, need));
        assert_true(top_size(a) >= need + CHUNK_MIN);
        assert_ptr_equal(a->top, top);
        assert_int_equal(world_walk(a).heaps, 1);
    }
    assert_int_equal(a->counts.grows, 8);
}

/* When the heap is at its limit, its top becomes an ordinary free chunk. */
static void top_retires(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    assert_true(top_grow(a, 1000));
    struct chunk *c = top_cut(a, 48, NULL);
    struct chunk *old = a->top;
    chunk_flip(c);
    assert_true(top_grow(a, 60 * MIB));
    assert_ptr_equal(a->top, old);
    assert_true(top_grow(a, 62 * MIB)); /* still fits: it grows in place */
    assert_ptr_equal(a->top, old);
    size_t size = top_size(a);
    struct heap *h = a->top_heap;
    top_cut(a, 30 * MIB, NULL);
    old = a->top;
    assert_true(top_grow(a, 40 * MIB));
    assert_ptr_not_equal(a->top_heap, h);
    assert_ptr_equal(a->heaps, a->top_heap);
    assert_ptr_equal(a->heaps->next, h);
    assert_ptr_equal(a->unsorted, old);
    assert_int_equal(chunk_size(old), size - 30 * MIB);
    assert_false(chunk_prev_inuse(heap_fence(h)));
    assert_int_equal(world_dirty(a), 0); /* nobody touched it */
    assert_int_equal(world_walk(a).heaps, 2);
}

static void top_behind_a_foreign_break(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    assert_true(top_grow(a, 1000));
    struct heap *h = a->top_heap;
    os_fake_foreign_break(20000);
    assert_true(top_grow(a, 1 * MIB));
    assert_ptr_not_equal(a->top_heap, h);
    assert_int_equal(a->top_heap->kind, HEAP_BREAK);
    assert_int_equal(world_walk(a).heaps, 2);
}

static void top_without_a_break(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    assert_true(top_grow(a, 1000));
    os_fake.refuse_break = true;
    assert_true(top_grow(a, 1 * MIB));
    assert_int_equal(a->top_heap->kind, HEAP_SPANNED);
    assert_int_equal(world_walk(a).heaps, 2);
    assert_true(top_grow(a, 2 * MIB));
    assert_int_equal(world_walk(a).heaps, 2);
}

static void top_fails_and_stays(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        struct arena *a = world_new(index);
        os_fake.fail_for_ever = true;
        os_fake.fail_after = 1;
        errno = 0;
        assert_false(top_grow(a, 1000));
        assert_int_equal(errno, ENOMEM);
        assert_null(a->top);
        os_fake_reset();
        assert_true(top_grow(a, 1000));
        size_t size = top_size(a);
        os_fake.fail_for_ever = true;
        os_fake.fail_after = 1;
        assert_false(top_grow(a, 1 * MIB));
        assert_int_equal(top_size(a), size);
        world_walk(a);
    }
}

/* What was never touched is clean; what is cut off tells from where on. */
static void top_clean_pages(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    struct clean clean;
    assert_true(top_grow(a, 1 * MIB));
    assert_int_equal(top_dirty(a), 0);
    struct chunk *c = top_cut(a, 40000, &clean);
    assert_true(clean.from > (uintptr_t)c && clean.from % 4096 == 0);
    assert_true(clean.from - (uintptr_t)c <= 4096 + sizeof(struct heap) + 16);
    assert_true(clean.to <= (uintptr_t)c + 40000 && clean.to % 4096 == 0);
    const char *byte = (const char *)clean.from;
    for (; byte < (const char *)clean.to; byte++)
        assert_int_equal(*byte, 0);
    /* The chunk comes back: its pages are dirty now, but for those behind. */
    top_set(a, c);
    size_t dirty = top_dirty(a);
    assert_true(dirty >= 32768 && dirty <= 45056);
    c = top_cut(a, 20000, &clean);
    assert_int_equal(clean.from, 0);
    assert_int_equal(clean.to, 0);
    c = top_cut(a, 40000, &clean);
    assert_true(clean.from >= (uintptr_t)c + 16384);
}

static void top_cut_some(void *argument)
{
    top_cut(argument, 64, NULL);
}

static void top_is_verified(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    assert_true(top_grow(a, 1000));
    atomic_store(&a->top->bits, 0x7ffffff0);
    expect_fail("corrupted top chunk: header", top_cut_some, a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_starts_and_is_cut),
        cmocka_unit_test(top_grows_in_place),
        cmocka_unit_test(top_retires),
        cmocka_unit_test(top_behind_a_foreign_break),
        cmocka_unit_test(top_without_a_break),
        cmocka_unit_test(top_fails_and_stays),
        cmocka_unit_test(top_clean_pages),
        cmocka_unit_test(top_is_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
