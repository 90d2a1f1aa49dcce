/* Metadata blocks: alignment, zeroes, reuse, regions, failure. */
#include "support/unit.h"

#include "base/bits.h"
#include "core/meta.h"
#include "os/os.h"
#include "support/os_fake.h"

#include <errno.h>
#include <string.h>

/* As new: regions of earlier tests stay mapped and forgotten. */
static int meta_setup(void **state)
{
    (void)state;
    os_fake_reset();
    memset(&meta, 0, sizeof meta);
    lock_init(&meta.lock, RANK_META);
    return 0;
}

static bool is_zero(const void *block, size_t bytes)
{
    const char *b = block;
    for (size_t i = 0; i < bytes; i++)
        if (b[i] != 0)
            return false;
    return true;
}

static void meta_blocks(void **state)
{
    (void)state;
    char *last = NULL;
    for (size_t bytes = 1; bytes <= 65536; bytes = bytes * 3 + 1) {
        char *block = meta_take(bytes);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        assert_true(is_zero(block, bytes));
        memset(block, 0xff, bytes);
        assert_ptr_not_equal(block, last);
        last = block;
    }
}

static void meta_reuse_is_zeroed(void **state)
{
    (void)state;
    char *block = meta_take(200);
    memset(block, 0xff, 200);
    size_t used = meta.used;
    meta_give(block, 200);
    assert_int_equal(used - meta.used, 256);
    assert_ptr_equal(meta_take(129), block); /* the same power of two */
    assert_true(is_zero(block, 129));
    assert_ptr_not_equal(meta_take(200), block);
}

/* A list has as many blocks as were asked for, and all of them come back. */
static void meta_lists(void **state)
{
    (void)state;
    char *one = meta_take(200);
    meta_give(one, 200);
    size_t used = meta.used;
    struct meta_block *list = meta_take_list(200, 3);
    bool reused = false;
    unsigned count = 0;
    for (struct meta_block *b = list; b != NULL; b = b->next, count++) {
        reused |= (char *)b == one;
        assert_int_equal((uintptr_t)b % 64, 0);
    }
    assert_int_equal(count, 3);
    assert_true(reused);
    assert_int_equal(meta.used - used, 3 * 256);
    meta_give_list(list, 200);
    meta_give_list(NULL, 200);
    assert_int_equal(meta.used, used);
    for (unsigned i = 0; i < 3; i++) {
        char *again = meta_take(200);
        for (unsigned at = 0; at < 200; at++)
            assert_int_equal(again[at], 0);
    }
    assert_int_equal(meta.used - used, 3 * 256);
}

static void meta_regions_are_listed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_non_null(meta_take(32768));
    size_t sum = 0, count = 0;
    for (struct meta_region *r = meta.regions; r != NULL; r = r->next) {
        sum += r->size;
        count++;
    }
    assert_true(count >= 3);
    assert_int_equal(sum, meta.mapped);
    /* One page before and one behind each, which nobody can touch. */
    assert_int_equal(os_fake.mapped, meta.mapped + count * 2 * 4096);
    assert_int_equal(meta.used, 20 * 32768);
}

static void meta_large_is_mapped_alone(void **state)
{
    (void)state;
    char *block = meta_take(100000);
    assert_non_null(block);
    assert_int_equal(os_fake.mapped, 102400 + 2 * 4096);
    assert_null(meta.regions);
    meta_give(block, 100000);
    assert_int_equal(os_fake.mapped, 0);
}

static void meta_fails_cleanly(void **state)
{
    (void)state;
    os_fake.fail_after = 1;
    os_fake.fail_for_ever = true;
    errno = 0;
    assert_null(meta_take(64));
    assert_int_equal(errno, ENOMEM);
    assert_null(meta_take(100000));
    errno = 0;
    assert_null(meta_take_list(512, 4));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(meta.used, 0);
    os_fake_reset();
    assert_non_null(meta_take(64));
}

/* Without room for a whole region a small one will do. */
static void meta_small_region(void **state)
{
    (void)state;
    os_fake.refuse_above = 8192;
    assert_non_null(meta_take(64));
    assert_int_equal(meta.mapped, 4096);
    size_t blocks = (4096 - align_up(sizeof(struct meta_region), 256)) / 64;
    for (size_t i = 1; i < blocks; i++)
        assert_non_null(meta_take(64));
    assert_int_equal(meta.mapped, 4096);
    assert_non_null(meta_take(64));
    assert_int_equal(meta.mapped, 8192);
}

static void meta_other_page_sizes(void **state)
{
    (void)state;
    os_fake.page = 65536;
    assert_non_null(meta_take(65536));
    assert_int_equal(meta.mapped % 65536, 0);
}

/* Idle blocks go back by whole pages, come again as new, and none is there twice. */
static void meta_pages_go_back(void **state)
{
    (void)state;
    enum { COUNT = 3 * META_SPARES, SIZE = 1 << META_SPARE_LOG2 };
    static char *block[COUNT];
    size_t per_page = os_page_size() / SIZE;
    void *other = meta_take(4096); /* lies among them */
    for (unsigned round = 0; round < 3; round++) {
        unsigned purges = os_fake.purges;
        for (unsigned i = 0; i < COUNT; i++) {
            block[i] = meta_take(SIZE);
            assert_int_equal((uintptr_t)block[i] % SIZE, 0);
            assert_true(is_zero(block[i], SIZE));
            memset(block[i], (int)(i % 251) + 1, SIZE);
        }
        for (unsigned i = 0; i < COUNT; i++)
            for (unsigned at = 0; at < SIZE; at += SIZE / 4)
                assert_int_equal((unsigned char)block[i][at], i % 251 + 1);
        assert_int_equal(meta.spare_pages, 0);
        size_t mapped = meta.mapped;
        for (unsigned i = 0; i < META_SPARES; i++)
            meta_give(block[i], SIZE);
        meta_trim(false);
        assert_int_equal(meta.spare_pages, 0); /* not many enough */
        for (unsigned i = META_SPARES; i < COUNT; i++)
            if (i % 500 != 0)
                meta_give(block[i], SIZE);
        os_fake.refuse_purge = round == 1;
        meta_trim(false);
        os_fake.refuse_purge = false;
        assert_true(os_fake.purges > purges);
        assert_true(meta.spare_pages > COUNT / per_page / 2);
        assert_true(meta.spares < COUNT / 8);
        assert_int_equal(meta.mapped, mapped);
        for (unsigned i = META_SPARES; i < COUNT; i++)
            if (i % 500 == 0)
                meta_give(block[i], SIZE);
    }
    /* One that a fork in a signal handler had mapped alone lies in no region. */
    static _Alignas(256) char alone[SIZE];
    meta_give(alone, SIZE);
    size_t pages = meta.spare_pages;
    meta_trim(true);
    assert_true(meta.spare_pages > pages);
    /* What shares its page with a region's header stays. */
    assert_true(meta.spares < (meta.mapped / META_REGION + 2) * per_page);
    meta_give(other, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(meta_blocks, meta_setup),
        cmocka_unit_test_setup(meta_reuse_is_zeroed, meta_setup),
        cmocka_unit_test_setup(meta_lists, meta_setup),
        cmocka_unit_test_setup(meta_regions_are_listed, meta_setup),
        cmocka_unit_test_setup(meta_large_is_mapped_alone, meta_setup),
        cmocka_unit_test_setup(meta_fails_cleanly, meta_setup),
        cmocka_unit_test_setup(meta_small_region, meta_setup),
        cmocka_unit_test_setup(meta_other_page_sizes, meta_setup),
        cmocka_unit_test_setup(meta_pages_go_back, meta_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
