/* Arithmetic on sizes at its edges. */
#include "support/unit.h"

#include "base/bits.h"

static void bits_align(void **state)
{
    (void)state;
    assert_int_equal(align_up(0, 16), 0);
    assert_int_equal(align_up(1, 16), 16);
    assert_int_equal(align_up(16, 16), 16);
    assert_int_equal(align_up(17, 16), 32);
    assert_int_equal(align_down(31, 16), 16);
    assert_int_equal(align_down(SIZE_MAX, 4096), SIZE_MAX - 4095);
    for (size_t x = 0; x < 200; x++) {
        assert_true(align_up(x, 8) - x < 8 && align_up(x, 8) % 8 == 0);
        assert_true(x - align_down(x, 8) < 8 && align_down(x, 8) % 8 == 0);
    }
}

static void bits_power_of_two(void **state)
{
    (void)state;
    assert_false(is_power_of_two(0));
    for (unsigned i = 0; i < 64; i++) {
        size_t x = (size_t)1 << i;
        assert_true(is_power_of_two(x));
        assert_int_equal(log2_floor(x), i);
        if (i > 1) {
            assert_false(is_power_of_two(x - 1));
            assert_false(is_power_of_two(x + 1));
            assert_int_equal(log2_floor(x - 1), i - 1);
            assert_int_equal(log2_floor(x + 1), i);
        }
    }
}

static void bits_order(void **state)
{
    (void)state;
    assert_int_equal(min_size(1, SIZE_MAX), 1);
    assert_int_equal(max_size(1, SIZE_MAX), SIZE_MAX);
    assert_int_equal(clamp_size(5, 7, 9), 7);
    assert_int_equal(clamp_size(8, 7, 9), 8);
    assert_int_equal(clamp_size(10, 7, 9), 9);
}

static void bits_overflow(void **state)
{
    (void)state;
    size_t out;
    assert_false(multiply_overflows(0, SIZE_MAX, &out));
    assert_int_equal(out, 0);
    assert_false(multiply_overflows(SIZE_MAX, 1, &out));
    assert_int_equal(out, SIZE_MAX);
    assert_false(multiply_overflows((size_t)1 << 32, ((size_t)1 << 32) - 1, &out));
    assert_true(multiply_overflows((size_t)1 << 32, (size_t)1 << 32, &out));
    assert_true(multiply_overflows(SIZE_MAX, 2, &out));
    assert_true(multiply_overflows(3, SIZE_MAX / 2, &out));
    assert_false(add_overflows(SIZE_MAX - 1, 1, &out));
    assert_int_equal(out, SIZE_MAX);
    assert_true(add_overflows(SIZE_MAX, 1, &out));
    assert_true(add_overflows(SIZE_MAX, SIZE_MAX, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_align),
        cmocka_unit_test(bits_power_of_two),
        cmocka_unit_test(bits_order),
        cmocka_unit_test(bits_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
