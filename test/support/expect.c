/*
 * Checks that count and print without allocating. Owns the two counters.
 */
#include "support/expect.h"

#include <errno.h>
#include <stdatomic.h>

enum { PRINTED_FAILURES = 20 };

static atomic_long expect_checks;
static atomic_long expect_failures;

bool expect_that(bool ok, const char *file, int line, const char *what)
{
    atomic_fetch_add_explicit(&expect_checks, 1, memory_order_relaxed);
    if (ok)
        return true;
    int kept = errno;
    long n = atomic_fetch_add(&expect_failures, 1) + 1;
    if (n <= PRINTED_FAILURES)
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    if (n == PRINTED_FAILURES)
        fprintf(stderr, "further failures are only counted\n");
    errno = kept;
    return false;
}

bool expect_is_talking(void)
{
    return atomic_load(&expect_failures) <= PRINTED_FAILURES;
}

void expect_reset(void)
{
    atomic_store(&expect_checks, 0);
    atomic_store(&expect_failures, 0);
}

int expect_status(void)
{
    return atomic_load(&expect_failures) == 0 && atomic_load(&expect_checks) > 0 ? 0
                                                                                 : 1;
}

int expect_done(void)
{
    fprintf(stderr, "%ld checks, %ld failed\n", atomic_load(&expect_checks),
            atomic_load(&expect_failures));
    return expect_status();
}

long scaled(long n, long least)
{
    const char *percent = getenv("TEST_SCALE");
    if (percent)
        n = n * atol(percent) / 100;
    return n < least ? least : n;
}

bool memory_may_run_out(void)
{
    const char *value = getenv("TEST_OOM");
    return value && value[0] == '1';
}

bool got_that(const void *mem, const char *file, int line, const char *what)
{
    if (mem)
        return expect_that(true, file, line, what);
    int kept = errno;
    bool excused = memory_may_run_out() && kept == ENOMEM;
    expect_that(excused, file, line, what);
    errno = kept;
    return false;
}
