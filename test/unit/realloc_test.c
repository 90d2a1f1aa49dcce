/* realloc: in place where it can, contents always, the old block when there is no
 * memory. */
#include "support/unit.h"

#include "chunky.h"
#include "core/mapped.h"
#include "front/options.h"
#include "support/os_fake.h"
#include "support/random.h"

#include <errno.h>
#include <string.h>

static void realloc_keeps_content(void **state)
{
    (void)state;
    struct random r = {5};
    struct {
        unsigned char *mem;
        size_t bytes;
        unsigned char value;
    } held[40] = {{0}};
    for (unsigned round = 0; round < 6000; round++) {
        unsigned i = (unsigned)random_below(&r, 40);
        size_t bytes = 1 + random_size(&r, round % 50 == 0 ? 22 : 14);
        unsigned char *mem = chunky_realloc(held[i].mem, bytes);
        assert_non_null(mem);
        for (size_t j = 0; j < bytes && j < held[i].bytes; j++)
            assert_int_equal(mem[j], held[i].value);
        held[i].mem = mem;
        held[i].bytes = bytes;
        held[i].value = (unsigned char)round;
        memset(mem, held[i].value, bytes);
    }
    for (unsigned i = 0; i < 40; i++)
        chunky_free(held[i].mem);
}

static void realloc_stays(void **state)
{
    (void)state;
    char *mem = chunky_malloc(100);
    size_t usable = chunky_malloc_usable_size(mem);
    assert_ptr_equal(chunky_realloc(mem, usable), mem);
    assert_ptr_equal(chunky_realloc(mem, 90), mem);
    chunky_free(mem);
}

/* Alone before the top, a large block grows and shrinks where it is. */
static void realloc_in_place(void **state)
{
    (void)state;
    tune.mmap_threshold = 64 * MIB;
    char *mem = chunky_malloc(600000);
    for (size_t bytes = 700000; bytes < 20000000; bytes += bytes / 3)
        assert_ptr_equal(chunky_realloc(mem, bytes), mem);
    assert_ptr_equal(chunky_realloc(mem, 600000), mem);
    assert_true(chunky_malloc_usable_size(mem) < 620000);
    chunky_free(mem);
    tune.mmap_threshold = 128 * KIB;
}

static void realloc_of_a_mapping(void **state)
{
    (void)state;
    tune.mmap_threshold = 128 * KIB;
    char *mem = chunky_malloc(400000);
    assert_true(chunk_is_mapped(chunk_of(mem)));
    memset(mem, 1, 400000);
    unsigned remaps = os_fake.remaps;
    mem = chunky_realloc(mem, 4000000);
    assert_true(os_fake.remaps > remaps);
    assert_int_equal(mem[399999], 1);
    assert_int_equal(mem[400000 + 8192], 0);
    mem = chunky_realloc(mem, 1000); /* into a heap */
    assert_false(chunk_is_mapped(chunk_of(mem)));
    assert_int_equal(mem[999], 1);
    chunky_free(mem);
    assert_int_equal(mapped.count, 0);
}

static void realloc_null_and_zero(void **state)
{
    (void)state;
    void *mem = chunky_realloc(NULL, 10);
    assert_non_null(mem);
    errno = EDOM;
    assert_null(chunky_realloc(mem, 0));
    assert_int_equal(errno, EDOM);
}

static void realloc_fails(void **state)
{
    (void)state;
    const size_t sizes[] = {100, 5000, 100000, 1000000};
    for (unsigned i = 0; i < 4; i++) {
        char *mem = chunky_malloc(sizes[i]);
        memset(mem, 0x42, sizes[i]);
        os_fake.fail_for_ever = true;
        os_fake.fail_after = 1;
        errno = 0;
        assert_null(chunky_realloc(mem, 200 * MIB));
        assert_int_equal(errno, ENOMEM);
        assert_null(chunky_realloc(mem, SIZE_MAX - 100));
        assert_null(chunky_reallocarray(mem, SIZE_MAX / 2, 3));
        assert_ptr_equal(chunky_realloc(mem, sizes[i] - 1), mem); /* never needs any */
        os_fake.fail_for_ever = false;
        os_fake.fail_after = 0;
        for (size_t j = 0; j + 1 < sizes[i]; j++)
            assert_int_equal(mem[j], 0x42);
        chunky_free(mem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(realloc_in_place),     cmocka_unit_test(realloc_keeps_content),
        cmocka_unit_test(realloc_stays),        cmocka_unit_test(realloc_null_and_zero),
        cmocka_unit_test(realloc_of_a_mapping), cmocka_unit_test(realloc_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
