/* Unit tests of os/os_vdso.h. */
#include "os/os_vdso.h"

#include "support/unit.h"

/* It tells the same time as libc, and goes on. */
static void test_clock(void **state)
{
    (void)state;
    vdso_clock *clock = vdso_find_clock();
    if (clock == NULL)
        skip(); /* the kernel offers none here */
    struct timespec before, now, after;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
        assert_int_equal(clock(CLOCK_MONOTONIC, &now), 0);
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
        assert_true(before.tv_sec < now.tv_sec ||
                    (before.tv_sec == now.tv_sec && before.tv_nsec <= now.tv_nsec));
        assert_true(now.tv_sec < after.tv_sec ||
                    (now.tv_sec == after.tv_sec && now.tv_nsec <= after.tv_nsec));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clock)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
