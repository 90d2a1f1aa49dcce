/* The three kinds of check: which of them fires in which build. */
#include "support/unit.h"

#include "base/check.h"

#include <stdio.h>

static void check_guard_fires(void *argument)
{
    GUARD(argument == NULL, "the rule that was broken", argument);
}

static void check_guard(void **state)
{
    (void)state;
    int there;
    check_guard_fires(NULL);
    expect_fail("the rule that was broken", check_guard_fires, &there);
}

#if CHUNKY_DEBUG
enum { ASSERT_LINE = __LINE__ + 3 };
static void check_assert_fires(void *argument)
{
    ASSERT(argument == NULL);
}
#endif

static void check_assert(void **state)
{
    (void)state;
#if CHUNKY_DEBUG
    int there;
    char rule[512];
    snprintf(rule, sizeof rule, "internal: argument == NULL %s:%d", __FILE__,
             (int)ASSERT_LINE);
    check_assert_fires(NULL);
    expect_fail(rule, check_assert_fires, &there);
#else
    unsigned evaluated = 0;
    ASSERT(++evaluated == 0);
    assert_int_equal(evaluated, 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_guard),
        cmocka_unit_test(check_assert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
