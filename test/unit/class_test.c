/* Size classes: their edges, and that the two roundings meet. */
#include "support/unit.h"

#include "core/class.h"

static void class_tables(void **state)
{
    (void)state;
    assert_int_equal(class_sizes[CLASS_NONE], 0);
    assert_int_equal(class_sizes[1], CHUNK_MIN);
    assert_int_equal(class_sizes[CLASS_EXACT - 1], CLASS_EXACT_SIZE);
    assert_int_equal(class_sizes[CLASS_LARGE - 1], CLASS_MAX_SIZE);
    assert_int_equal(class_sizes[CLASS_COUNT - 1], CLASS_LARGE_SIZE);
    for (unsigned k = 2; k < CLASS_COUNT; k++) {
        assert_true(class_sizes[k] > class_sizes[k - 1]);
        assert_int_equal(class_sizes[k] % CHUNK_ALIGN, 0);
    }
    for (unsigned k = 1; k < CLASS_EXACT; k++)
        assert_int_equal(class_sizes[k], CHUNK_ALIGN * (k + 1));
}

static void class_waste(void **state)
{
    (void)state;
    /* A request is rounded up by an eighth at most, and not at all at powers of two. */
    for (unsigned k = 2; k < CLASS_COUNT; k++)
        assert_true((class_sizes[k] - class_sizes[k - 1] - CHUNK_ALIGN) * 8 <=
                    class_sizes[k - 1]);
    for (size_t bytes = 32; bytes <= CLASS_LARGE_SIZE / 2; bytes *= 2) {
        size_t size = chunk_size_for(bytes);
        assert_int_equal(class_sizes[class_ceiling(size)], size);
    }
}

static void class_roundings(void **state)
{
    (void)state;
    for (size_t size = CHUNK_MIN; size <= CLASS_LARGE_SIZE; size += CHUNK_ALIGN) {
        unsigned low = class_floor(size), high = class_ceiling(size);
        assert_true(class_sizes[low] <= size && class_sizes[high] >= size);
        assert_true(low == high || low + 1 == high);
        assert_int_equal(low == high, class_sizes[low] == size);
    }
    assert_int_equal(class_floor(CLASS_LARGE_SIZE + CHUNK_ALIGN), CLASS_NONE);
    assert_int_equal(class_floor(0), CLASS_NONE);
    assert_int_equal(class_floor(16), CLASS_NONE);
}

static void class_map_of_the_hot_path(void **state)
{
    (void)state;
    /* malloc looks up (bytes + 7) / 16 and takes the class above. */
    for (size_t bytes = 0; bytes <= CLASS_MAX_BYTES; bytes++)
        assert_int_equal(class_map[(bytes + 7) / 16] / 2U + 1U,
                         class_ceiling(chunk_size_for(bytes)));
    /* free looks up any size below HOT_MAX: beyond the classes there is none. */
    for (size_t i = CLASS_MAX_SIZE / 16 + 1; i < CLASS_MAP_SIZE; i++)
        assert_int_equal(class_map[i], CLASS_NONE);
    assert_true(HOT_MAX / CHUNK_ALIGN < CLASS_MAP_SIZE);
}

static int class_setup(void **state)
{
    (void)state;
    class_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(class_tables),
        cmocka_unit_test(class_waste),
        cmocka_unit_test(class_roundings),
        cmocka_unit_test(class_map_of_the_hot_path),
    };
    return cmocka_run_group_tests(tests, class_setup, NULL);
}
