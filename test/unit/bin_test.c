/* Small bins are queues, large bins are sorted; best fit is checked against a list. */
#include "support/arena_world.h"

#include "core/bin.h"
#include "support/random.h"

enum { SLOT = 96, SLOTS = 400 };

static _Alignas(1 << 16) unsigned char area[SLOTS][SLOT];
static struct bins bins;

/* Chunks here claim any size: bins never look behind the header's own members. */
static struct chunk *chunk_no(unsigned i, size_t size)
{
    struct chunk *c = (struct chunk *)(void *)area[i];
    chunk_set_idle(&heap_keys, c, size, IDLE_BINNED | PREV_INUSE);
    return c;
}

/* Addresses count only by their difference from the key: where the loader puts the area
 * makes none, and what is seen or missed is the same in every run. */
static int bin_setup(void **state)
{
    (void)state;
    os_random(&heap_keys, sizeof heap_keys);
    heap_keys.address ^= (uintptr_t)area;
    memset(&bins, 0, sizeof bins);
    memset(area, 0, sizeof area);
    return 0;
}

static void bin_numbers(void **state)
{
    (void)state;
    assert_int_equal(bin_index(32), 2);
    assert_int_equal(bin_index(1008), 63);
    assert_int_equal(bin_index(1024), BIN_SMALL);
    unsigned last = 0;
    for (size_t size = 32; size < 4 * MIB; size += 16) {
        unsigned i = bin_index(size);
        assert_true(i == last || i == last + 1 || size == 32);
        last = i;
    }
    assert_int_equal(bin_index((size_t)1 << 46), BIN_COUNT - 1);
    assert_true(bin_index((size_t)16 << 30) == BIN_COUNT - 1);
    /* 32 steps a doubling: a bin's sizes differ by less than 1/32. */
    for (size_t size = 1024; size < (size_t)1 << 33;
         size = size * 9 / 8 & ~(size_t)15) {
        size_t other = size + size / 32;
        assert_int_not_equal(bin_index(size), bin_index(align_up(other, 16)));
    }
}

static void bin_small_is_a_queue(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        bin_push(&bins, chunk_no(i, 512), 512);
    for (unsigned i = 0; i < 5; i++) {
        struct chunk *c = bin_find(&bins, 512);
        assert_ptr_equal(c, area[i]);
        bin_unlink(&bins, c, 512);
    }
    assert_null(bin_find(&bins, 32));
    assert_int_equal(bin_next(&bins, 0), BIN_COUNT);
}

static void bin_unlink_anywhere(void **state)
{
    (void)state;
    for (size_t size = 512; size <= 2048; size *= 4) {
        for (unsigned gone = 0; gone < 4; gone++) {
            bin_setup(NULL);
            for (unsigned i = 0; i < 4; i++)
                bin_push(&bins, chunk_no(i, size), size);
            bin_unlink(&bins, (struct chunk *)(void *)area[gone], size);
            unsigned left = 0;
            for (struct chunk *c; (c = bin_find(&bins, 32)) != NULL; left++) {
                assert_ptr_not_equal(c, area[gone]);
                bin_unlink(&bins, c, size);
            }
            assert_int_equal(left, 3);
        }
    }
}

static void bin_large_is_sorted(void **state)
{
    (void)state;
    const size_t sizes[] = {65536, 65568, 65536, 66000, 65552, 65536, 67008, 65552};
    for (unsigned i = 0; i < 8; i++)
        bin_push(&bins, chunk_no(i, sizes[i]), sizes[i]);
    struct chunk *first = bins.head[bin_index(65536)], *c = first;
    size_t last = 0, count = 0;
    do {
        assert_true(chunk_size(c) >= last);
        /* The first of each size, and only it, is in the ring of sizes. */
        assert_int_equal(c->fd_size != NULL, chunk_size(c) != last);
        last = chunk_size(c);
        count++;
        c = c->fd;
    } while (c != first);
    assert_int_equal(count, 8);
}

static void bin_map_skips_words(void **state)
{
    (void)state;
    const size_t big = (size_t)3 << 33;
    bin_push(&bins, chunk_no(0, 32), 32);
    bin_push(&bins, chunk_no(1, big), big);
    assert_int_equal(bin_next(&bins, 0), 2);
    assert_int_equal(bin_next(&bins, 3), bin_index(big));
    assert_int_equal(bin_next(&bins, BIN_COUNT), BIN_COUNT);
    assert_ptr_equal(bin_find(&bins, 48), area[1]);
    assert_null(bin_find(&bins, big + 16));
}

/* Random pushes, finds and unlinks next to a plain list: best fit is the smallest that
 * is large enough, always. */
static void bin_best_fit(void **state)
{
    (void)state;
    struct random r = {42};
    size_t size[SLOTS] = {0};
    for (unsigned round = 0; round < 40000; round++) {
        unsigned i = (unsigned)random_below(&r, SLOTS);
        struct chunk *c = (struct chunk *)(void *)area[i];
        if (size[i] == 0) {
            /* Few different sizes, so that many chunks share one. */
            size[i] = 32 + 16 * random_below(&r, round % 2 == 0 ? 200 : 20000);
            bin_push(&bins, chunk_no(i, size[i]), size[i]);
        } else if (round % 3 != 0) {
            bin_unlink(&bins, c, size[i]);
            size[i] = 0;
        }
        size_t want = 32 + 16 * random_below(&r, 20000), best = 0;
        for (unsigned j = 0; j < SLOTS; j++)
            if (size[j] >= want && (best == 0 || size[j] < best))
                best = size[j];
        const struct chunk *found = bin_find(&bins, want);
        assert_int_equal(found == NULL ? 0 : chunk_size(found), best);
    }
}

static void push_small(void *argument)
{
    (void)argument;
    bin_push(&bins, chunk_no(9, 512), 512);
}

static void unlink_second(void *argument)
{
    bin_unlink(&bins, (struct chunk *)(void *)area[1], *(size_t *)argument);
}

static void bin_links_are_verified(void **state)
{
    (void)state;
    size_t size = 512;
    for (unsigned i = 0; i < 3; i++)
        bin_push(&bins, chunk_no(i, size), size);
    struct chunk *c = (struct chunk *)(void *)area[1];
    struct chunk *fd = c->fd;
    c->fd = c;
    expect_fail("corrupted bin: chunk is in no list", unlink_second, &size);
    c->fd = (struct chunk *)(void *)area[0];
    expect_fail("corrupted bin: fd and bk disagree", unlink_second, &size);
    c->fd = (struct chunk *)(void *)(area[1] + 8);
    expect_fail("corrupted bin: link leads to no chunk of this kind of bin",
                unlink_second, &size);
    /* A link into memory that the attacker wrote: no header passes there. */
    memset(area[20], 0x41, SLOT);
    c->fd = (struct chunk *)(void *)area[20];
    expect_fail("corrupted bin: link leads to no chunk of this kind of bin",
                unlink_second, &size);
    /* Nor does a free chunk of another place. */
    chunk_set_idle(&heap_keys, (struct chunk *)(void *)area[20], 512, IDLE_FAST);
    expect_fail("corrupted bin: link leads to no chunk of this kind of bin",
                unlink_second, &size);
    c->fd = fd;
    /* The links are right, but not the header that they lead to. */
    fd->high ^= 1;
    expect_fail("overwritten header of a free chunk: heap overflow of the block before",
                unlink_second, &size);
    fd->high ^= 1;
    unlink_second(&size);
    ((struct chunk *)(void *)area[2])->fd = (struct chunk *)(void *)area[2];
    expect_fail("corrupted bin: fd of the last chunk", push_small, NULL);
}

static void bin_size_links_are_verified(void **state)
{
    (void)state;
    const size_t sizes[] = {65536, 65552, 65568};
    for (unsigned i = 0; i < 3; i++)
        bin_push(&bins, chunk_no(i, sizes[i]), sizes[i]);
    ((struct chunk *)(void *)area[0])->fd_size = (struct chunk *)(void *)area[2];
    size_t size = 65552;
    expect_fail("corrupted large bin: size links", unlink_second, &size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bin_numbers, bin_setup),
        cmocka_unit_test_setup(bin_small_is_a_queue, bin_setup),
        cmocka_unit_test_setup(bin_unlink_anywhere, bin_setup),
        cmocka_unit_test_setup(bin_large_is_sorted, bin_setup),
        cmocka_unit_test_setup(bin_map_skips_words, bin_setup),
        cmocka_unit_test_setup(bin_best_fit, bin_setup),
        cmocka_unit_test_setup(bin_links_are_verified, bin_setup),
        cmocka_unit_test_setup(bin_size_links_are_verified, bin_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
