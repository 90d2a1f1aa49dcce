/* What compiler.h promises of its own instructions. */
#include "support/unit.h"

#include "base/compiler.h"

/* The high half of a 64 x 64 bit product, by hand. */
static uint64_t high_product(uint64_t a, uint64_t b)
{
    uint64_t high = 0;
    for (unsigned i = 1; i < 64; i++)
        if ((b >> i & 1) != 0)
            high += a >> (64 - i);
    /* The carries out of the low half. */
    uint64_t low = 0;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t part = (b >> i & 1) != 0 ? a << i : 0;
        low += part;
        if (low < part)
            high++;
    }
    return high;
}

static void compiler_multiply_fold(void **state)
{
    (void)state;
    uint64_t a = 0x9e3779b97f4a7c15ULL, b = 0xd6e8feb86659fd93ULL;
    for (unsigned i = 0; i < 500; i++) {
        assert_int_equal(multiply_fold(a, b), (a * b) ^ high_product(a, b));
        a = a * 6364136223846793005ULL + 1442695040888963407ULL;
        b ^= a >> 7;
    }
    assert_int_equal(multiply_fold(0, b), 0);
    assert_int_equal(multiply_fold(UINT64_MAX, UINT64_MAX), 1 ^ (UINT64_MAX - 1));
}

static void compiler_count_zeros(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(count_trailing_zeros(~0ULL << i), i);
        assert_int_equal(count_leading_zeros(~0ULL >> i), i);
    }
}

static void compiler_words(void **state)
{
    (void)state;
    _Atomic uint32_t word = 0x12345678;
    invert_word(&word, 0xffff0000U);
    assert_int_equal(load_word(&word), 0xedcb5678U);
    invert_word(&word, 0xffff0000U);
    assert_int_equal(load_word(&word), 0x12345678);
    void *slots[2], **top = slots;
    advance_slot(&top);
    assert_ptr_equal(top, slots + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiler_multiply_fold),
        cmocka_unit_test(compiler_count_zeros),
        cmocka_unit_test(compiler_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
