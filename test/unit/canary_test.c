/* Unit tests of front/canary.h. */
#include "front/canary.h"

#include "support/unit.h"

enum { ROOM = 1 << 12 };

static _Alignas(16) unsigned char memory[ROOM];

/* A live block of `usable` bytes with a canary for `bytes` of them, the rest is text. */
static unsigned char *block(size_t bytes, size_t usable, enum family family)
{
    heap_keys.address = 0x123456789abcdef1;
    heap_keys.word = 0xfedcba9876543210;
    unsigned char *mem = mem_of((struct chunk *)(void *)memory);
    memset(memory, 'a', sizeof memory);
    chunk_set_idle(&heap_keys, chunk_of(mem), usable + CHUNK_OVERHEAD, PREV_INUSE);
    chunk_flip(chunk_of(mem));
    canary_write(mem, bytes, usable, family);
    return mem;
}

/* Every slack and each length of an overflow by text: the size is told right, or it is
 * told that it is not known. */
static void test_overflow_by_text(void **state)
{
    (void)state;
    for (size_t slack = CANARY_LEAST; slack < 400; slack++) {
        size_t usable = 1000, bytes = usable - slack;
        for (size_t past = 0; past <= slack; past++) {
            unsigned char *mem = block(bytes, usable, FAMILY_NEW);
            memset(mem + bytes, 'X', past);
            struct canary_finding f = canary_read(mem, usable);
            assert_int_equal(f.is_right, past == 0);
            assert_int_equal(f.bytes, f.is_known ? bytes : usable - CANARY_LEAST);
            if (past + 2 < slack && past + 2 <= canary_length(slack))
                assert_true(f.is_known && f.family == FAMILY_NEW);
            if (past == slack)
                assert_true(!f.is_known && f.length == 0);
        }
    }
}

static void test_one_too_far_of_least_slack(void **state)
{
    (void)state;
    unsigned char *mem = block(102, 104, FAMILY_MALLOC);
    mem[102] = 0;
    struct canary_finding f = canary_read(mem, 104);
    assert_true(!f.is_right && f.is_known);
    assert_int_equal(f.bytes, 102);
    assert_int_equal(f.family, FAMILY_ANY);
}

/* An overflow by bytes of which the last looks like a record. */
static void test_overflow_by_small_numbers(void **state)
{
    (void)state;
    for (unsigned value = CANARY_LEAST + 1; value < 100; value++) {
        unsigned char *mem = block(100, 104, FAMILY_MALLOC);
        memset(mem, (int)value, 104);
        assert_false(canary_read(mem, 104).is_known);
    }
}

/* Overwritten from behind, the first keyed bytes stand: they tell the size. */
static void test_overwritten_from_behind(void **state)
{
    (void)state;
    static const size_t slacks[] = {5, 12, 24, 25, 33, 34, 60, 255, 300};
    for (unsigned i = 0; i < sizeof slacks / sizeof slacks[0]; i++) {
        size_t slack = slacks[i], usable = 1000;
        unsigned char *mem = block(usable - slack, usable, FAMILY_NEW_ARRAY);
        memset(mem + usable - 1, 'X', 1);
        struct canary_finding f = canary_search(mem, usable);
        assert_false(f.is_right || f.is_known);
        assert_int_equal(f.bytes, usable - CANARY_LEAST);
        assert_int_equal(f.from, usable - slack);
        assert_int_equal(f.length, canary_length(slack));
        assert_int_equal(f.family, FAMILY_NEW_ARRAY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overflow_by_text),
        cmocka_unit_test(test_one_too_far_of_least_slack),
        cmocka_unit_test(test_overflow_by_small_numbers),
        cmocka_unit_test(test_overwritten_from_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
