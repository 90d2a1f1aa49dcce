/* Unit tests of front/cfi.h. */
#include "front/cfi.h"

#include "support/unit.h"

#include <string.h>

enum { ROOM = 512, FROM = 0x1000, LENGTH = 0x100, STACK = 7, FRAME = 6, RETURN = 16 };

/* A common part, and the entry of a function at FROM. */
static struct {
    unsigned char bytes[ROOM];
    size_t count;
} table;

static void put(size_t count, const unsigned char *bytes)
{
    memcpy(table.bytes + table.count, bytes, count);
    table.count += count;
}

static void put_word(uint64_t word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        table.bytes[table.count++] = (unsigned char)(word >> (8 * i));
}

/* Pads what started at `from` with instructions that do nothing, and enters its length. */
static void put_end(size_t from)
{
    while ((table.count - from) % 8 != 4)
        table.bytes[table.count++] = 0;
    size_t end = table.count;
    table.count = from;
    put_word(end - from - 4, 4);
    table.count = end;
}

#define PUT(...)                                                                       \
    put(sizeof((unsigned char[]){__VA_ARGS__}), (unsigned char[]){__VA_ARGS__})

/* A function with these instructions; returns its entry. */
static uintptr_t function(const char *letters, size_t count, const unsigned char *code)
{
    memset(&table, 0, sizeof table);
    put_word(0, 8); /* length, and that it is a common part */
    PUT(1);
    put(strlen(letters) + 1, (const unsigned char *)letters);
    PUT(1, 0x78, RETURN); /* steps of 1 and -8 */
    PUT(1, 0);            /* of "z": one byte, the encoding of "R" */
    PUT(0x0c, STACK, 8, 0x80 | RETURN, 1);
    put_end(0);
    size_t entry = table.count;
    put_word(0, 4);
    put_word(entry + 4, 4);
    put_word(FROM, 8);
    put_word(LENGTH, 8);
    PUT(0);
    put(count, code);
    put_end(entry);
    return (uintptr_t)table.bytes + entry;
}

#define FUNCTION(letters, ...)                                                         \
    function(letters, sizeof((unsigned char[]){__VA_ARGS__}),                          \
             (unsigned char[]){__VA_ARGS__})

static void test_rows(void **state)
{
    (void)state;
    static struct cfi cfi;
    const struct cfi_row *row = &cfi.row;
    /* push rbp; mov rbp, rsp; a way out in the middle that is put by. */
    uintptr_t entry = FUNCTION("zR", 0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, FRAME, 0x02,
                               0x20, 0x0a, 0x0c, STACK, 8, 0xc6, 0x41, 0x0b);
    static const struct {
        uintptr_t at;
        uint64_t from;
        int64_t offset;
        enum cfi_place frame;
    } rows[] = {{0, STACK, 8, CFI_SAME},   {1, STACK, 16, CFI_AT},
                {3, STACK, 16, CFI_AT},    {4, FRAME, 16, CFI_AT},
                {0x23, FRAME, 16, CFI_AT}, {0x24, STACK, 8, CFI_SAME},
                {0x25, FRAME, 16, CFI_AT}, {LENGTH - 1, FRAME, 16, CFI_AT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(cfi_find(&cfi, entry, FROM + rows[i].at));
        assert_int_equal(row->frame_register, rows[i].from);
        assert_int_equal(row->frame_offset, rows[i].offset);
        assert_int_equal(row->rule[FRAME].place, rows[i].frame);
        assert_int_equal(row->rule[RETURN].place, CFI_AT);
        assert_int_equal(row->rule[RETURN].value, -8);
        assert_int_equal(row->return_register, RETURN);
        assert_false(row->is_signal);
    }
    assert_int_equal(row->rule[FRAME].value, -16);
    assert_false(cfi_find(&cfi, entry, FROM - 1));
    assert_false(cfi_find(&cfi, entry, FROM + LENGTH));
}

static void test_signal_and_end(void **state)
{
    (void)state;
    static struct cfi cfi;
    uintptr_t reg[CFI_REGISTERS] = {0}, kept[4] = {0, 0, 77, 0}, result;
    reg[STACK] = (uintptr_t)kept;
    /* The frame's address is in memory, 16 bytes up the stack. */
    uintptr_t entry = FUNCTION("zRS", 0x0f, 3, 0x77, 16, 0x06, 0x07, RETURN);
    assert_true(cfi_find(&cfi, entry, FROM));
    assert_true(cfi.row.is_signal);
    assert_int_equal(cfi.row.rule[RETURN].place, CFI_UNDEFINED);
    assert_true(cfi_evaluate(&cfi, cfi.row.frame_expression, reg, NULL, &result));
    assert_int_equal(result, 77);
}

static void test_expressions(void **state)
{
    (void)state;
    static struct cfi cfi;
    static const struct {
        unsigned char code[12];
        uintptr_t result;
    } good[] = {
        {{2, 0x35, 0x00 + 0x33}, 3},    {{3, 0x35, 0x33, 0x1c}, 2},
        {{3, 0x35, 0x33, 0x22}, 8},     {{3, 0x31, 0x33, 0x24}, 8},
        {{3, 0x35, 0x35, 0x2a}, 1},     {{3, 0x35, 0x33, 0x1a}, 1},
        {{4, 0x08, 200, 0x23, 5}, 205}, {{2, 0x77, 0x78}, 92}}; /* register 7, -8 */
    static const unsigned char bad[][4] = {
        {1, 0x22}, {1, 0x06 + 0x90}, {0}, {2, 0x31, 0x2f}};
    uintptr_t reg[CFI_REGISTERS] = {[STACK] = 100}, result;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(cfi_evaluate(&cfi, (uintptr_t)good[i].code, reg, NULL, &result));
        assert_int_equal(result, good[i].result);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(cfi_evaluate(&cfi, (uintptr_t)bad[i], reg, NULL, &result));
}

/* Whatever the instructions are: an end, and no register that is not one. */
static void test_nonsense(void **state)
{
    (void)state;
    static struct cfi cfi;
    uint64_t seed = 1;
    for (unsigned i = 0; i < 100000; i++) {
        unsigned char code[64];
        for (size_t k = 0; k < sizeof code; k++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            code[k] = (unsigned char)(seed >> 56);
        }
        uintptr_t entry = function("zR", sizeof code, code);
        if (cfi_find(&cfi, entry, FROM + i % LENGTH))
            for (unsigned r = 0; r < CFI_REGISTERS; r++)
                assert_true(cfi.row.rule[r].place <= CFI_IS_RESULT);
    }
    assert_false(cfi_find(&cfi, FUNCTION("eh", 0), FROM));
    table.bytes[8] = 'y';
}

static void test_cursor(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0xe5, 0x8e, 0x26, 0x7f, 0x80,
                                          0x7f, 0xfe, 0xff, 0xff, 0xff};
    struct cursor c =
        cursor_over((uintptr_t)bytes, (uintptr_t)bytes + sizeof bytes, false);
    assert_int_equal(cursor_uleb(&c), 624485);
    assert_int_equal(cursor_sleb(&c), -1);
    assert_int_equal(cursor_sleb(&c), -128);
    assert_int_equal(cursor_pointer(&c, 0x1b), (uintptr_t)bytes + 6 - 2);
    assert_false(c.failed);
    cursor_word(&c, 1);
    assert_true(c.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_signal_and_end),
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
