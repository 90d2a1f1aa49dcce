/* Formatted text without libc: every conversion, cutting, and errno. */
#include "support/unit.h"

#include "base/say.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char *formatted(const char *format, ...)
{
    static char data[256];
    struct text t = {data, sizeof data, 0};
    data[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    text_add_list(&t, format, arguments);
    va_end(arguments);
    assert_int_equal(strlen(data), t.length);
    return data;
}

static void say_conversions(void **state)
{
    (void)state;
    assert_string_equal(formatted("plain 100%%"), "plain 100%");
    assert_string_equal(formatted("%d %d %d", 0, INT_MAX, INT_MIN),
                        "0 2147483647 -2147483648");
    assert_string_equal(formatted("%ld", LONG_MIN), "-9223372036854775808");
    assert_string_equal(formatted("%u %lu", 4000000000U, ULONG_MAX),
                        "4000000000 18446744073709551615");
    assert_string_equal(formatted("%zu %zx", SIZE_MAX, (size_t)0xbeef),
                        "18446744073709551615 beef");
    assert_string_equal(formatted("%llu", 1ULL << 63), "9223372036854775808");
    assert_string_equal(formatted("%p", (void *)(uintptr_t)0x1f0), "0x1f0");
    assert_string_equal(formatted("%s|%s", "text", (char *)NULL), "text|(null)");
    assert_string_equal(formatted("%c%c", 'o', 'k'), "ok");
}

static void say_widths(void **state)
{
    (void)state;
    assert_string_equal(formatted("[%6d]", -42), "[   -42]");
    assert_string_equal(formatted("[%-6d]", -42), "[-42   ]");
    assert_string_equal(formatted("[%08x]", 0xabcU), "[00000abc]");
    assert_string_equal(formatted("[%5s]", "ab"), "[   ab]");
    assert_string_equal(formatted("[%-5s]", "ab"), "[ab   ]");
    assert_string_equal(formatted("[%1s]", "abc"), "[abc]");
}

static void say_odd_formats(void **state)
{
    (void)state;
    assert_string_equal(formatted("%q"), "q");
    assert_string_equal(formatted("end%"), "end");
    assert_string_equal(formatted("%5"), "");
}

static void say_paths(void **state)
{
    (void)state;
    char name[24] = "";
    struct text t = {name, sizeof name, 0};
    assert_true(text_add_path(&t, "a-%p.%q%", 4294967295U));
    assert_string_equal(name, "a-4294967295.%q%");
    assert_false(text_add_path(&t, "%p", 1));
    assert_true(text_add_path(&t, "7 chars", 1));
    assert_false(text_add_path(&t, "x", 1));
    assert_string_equal(name, "a-4294967295.%q%7 chars");
}

static void say_distances(void **state)
{
    (void)state;
    assert_int_equal(text_distance("purge", 5, "purge"), 0);
    assert_int_equal(text_distance("Purge=1", 5, "purge"), 0);
    assert_int_equal(text_distance("puge", 4, "purge"), 1);
    assert_int_equal(text_distance("prugex", 6, "purge"), 3);
    assert_int_equal(text_distance("", 0, "stats"), 5);
    assert_int_equal(text_distance("a", 1, "a_name_of_more_than_31_letters__"), 99);
}

static void say_cuts(void **state)
{
    (void)state;
    char small[8];
    struct text t = {small, sizeof small, 0};
    memset(small, 'x', sizeof small);
    small[0] = '\0';
    text_add(&t, "%s", "0123456789");
    assert_string_equal(small, "0123456");
    text_add(&t, "more");
    assert_int_equal(t.length, 7);
    struct text one = {small, 1, 0};
    text_add(&one, "a");
    assert_int_equal(one.length, 0);
    assert_int_equal(small[0], '0');
}

static void say_writes(void **state)
{
    (void)state;
    int ends[2];
    char back[64] = {0};
    assert_int_equal(pipe(ends), 0);
    errno = EDOM;
    say(ends[1], "%s=%d\n", "n", 3);
    assert_int_equal(read(ends[0], back, sizeof back), 4);
    assert_string_equal(back, "n=3\n");
    assert_int_equal(errno, EDOM);
    close(ends[0]);
    close(ends[1]);
    say(ends[1], "into nothing");
    assert_int_equal(errno, EDOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(say_conversions), cmocka_unit_test(say_widths),
        cmocka_unit_test(say_odd_formats), cmocka_unit_test(say_cuts),
        cmocka_unit_test(say_writes),      cmocka_unit_test(say_paths),
        cmocka_unit_test(say_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
