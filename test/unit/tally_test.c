/* Idle bytes by page: what a chunk adds to which page, when a page is wholly idle, and that
 * what was added can be taken away again. */
#include "support/unit.h"

#include "core/tally.h"
#include "os/os.h"
#include "support/os_fake.h"
#include "support/random.h"

enum { PAGES = 8 };

static struct tally t;
static uintptr_t low, page;

static void tally_new(void)
{
    os_fake_reset();
    page = os_page_size();
    low = 16 * page;
    t = (struct tally){.idle = NULL};
    assert_true(tally_begin(&t, low + 32, low + PAGES * page - 32));
    assert_int_equal(t.low, low);
    assert_int_equal(t.high, low + PAGES * page);
}

static void tally_counts_pages(void **state)
{
    (void)state;
    tally_new();
    tally_add(&t, low, page - 32);
    assert_int_equal(t.pages, 0);
    assert_int_equal(t.idle[0], (page - 32) / CHUNK_ALIGN);
    tally_add(&t, low + page - 32, 64); /* in two pages */
    assert_int_equal(t.pages, 1);
    assert_int_equal(t.idle[1], 32 / CHUNK_ALIGN);
    tally_add(&t, low + page + 32,
              3 * page); /* the end of the second, two more, a start */
    assert_int_equal(t.pages, 4);
    assert_int_equal(t.idle[4], 32 / CHUNK_ALIGN);
    assert_false(t.stale);
    tally_remove(&t, low + page + 32, 3 * page);
    assert_int_equal(t.pages, 1);
    tally_remove(&t, low + page - 32, 64);
    tally_remove(&t, low, page - 32);
    assert_int_equal(t.pages, 0);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(t.idle[i], 0);
    tally_add_ends(&t, low + page - 32,
                   3 * page); /* between its ends nothing is counted */
    assert_int_equal(t.idle[0], 2);
    assert_int_equal(t.idle[1], 0);
    assert_int_equal(t.idle[3], (page - 32) / CHUNK_ALIGN);
    tally_end(&t);
    assert_null(t.idle);
    tally_end(&t);
}

/* A chunk goes if one of its pages is idle, or the next one, where its header would be too
 * near; but not for pages before `from`. */
static void tally_tells_idle(void **state)
{
    (void)state;
    const size_t head = sizeof(struct chunk);
    tally_new();
    tally_add(&t, low + 2 * page, page);
    assert_true(tally_is_idle(&t, low + 2 * page + 64, 64, low));
    assert_true(tally_is_idle(&t, low + 2 * page - 32, 64, low));
    assert_true(tally_is_idle(&t, low + 2 * page - head - 32, 48, low));
    assert_false(tally_is_idle(&t, low + 2 * page - head - 32, 32, low));
    assert_true(tally_is_idle(&t, low + 3 * page - 32, 64, low));
    assert_false(tally_is_idle(&t, low + 3 * page, 64, low));
    assert_true(tally_is_idle(&t, low + page, 3 * page, low)); /* it is in its middle */
    assert_false(tally_is_idle(&t, low + page, 3 * page, low + 3 * page));
    assert_false(tally_is_idle(&t, low + 2 * page + 64, 64, low + 3 * page));
    assert_true(tally_is_idle(&t, low - 64, 64, low)); /* not known */
    tally_end(&t);
}

static void tally_gives_the_last(void **state)
{
    (void)state;
    tally_new();
    tally_add(&t, low + page, page);
    tally_add(&t, low + 3 * page, page);
    tally_add(&t, low + 6 * page, page);
    tally_add(&t, low + 7 * page, 32);
    assert_int_equal(tally_last(&t, 0), low + PAGES * page);
    assert_int_equal(tally_last(&t, 1), low + 6 * page);
    assert_int_equal(tally_last(&t, 2), low + 3 * page);
    assert_int_equal(tally_last(&t, 9), low);
    tally_forget(&t, low + 3 * page);
    assert_int_equal(t.pages, 1);
    assert_int_equal(t.idle[6], 0);
    assert_int_equal(t.idle[7], 2); /* not idle: what is known of it stays */
    assert_int_equal(t.idle[1], page / CHUNK_ALIGN);
    tally_end(&t);
}

/* What it does not hold is worth a new beginning, and harms nothing. */
static void tally_is_told_of_others(void **state)
{
    (void)state;
    tally_new();
    tally_add(&t, low - 32, 64);
    assert_true(t.stale);
    assert_int_equal(t.pages, 1);
    tally_remove(&t, low + PAGES * page - 32, 64);
    assert_int_equal(t.pages, 1);
    tally_end(&t);
    os_fake.fail_for_ever = true;
    os_fake.fail_after = 1;
    assert_false(tally_begin(&t, low, low + ((uintptr_t)1 << 40)));
    assert_null(t.idle);
    tally_end(&t);
    os_fake_reset();
}

/* In any order all that is added fills the pages, and all that is removed empties them. */
static void tally_random_tiling(void **state)
{
    (void)state;
    enum { MOST = 400 };
    struct random r = {4};
    uintptr_t at[MOST + 1];
    unsigned order[MOST], n = 0;
    tally_new();
    for (uintptr_t c = low; c < t.high; c = at[++n]) {
        size_t size = CHUNK_MIN + CHUNK_ALIGN * random_below(&r, 40);
        assert_true(n < MOST);
        at[n] = c;
        at[n + 1] = min_size(c + size, t.high);
        order[n] = n;
    }
    for (unsigned i = n; i > 1; i--) {
        unsigned j = (unsigned)random_below(&r, i), was = order[i - 1];
        order[i - 1] = order[j];
        order[j] = was;
    }
    for (unsigned i = 0; i < n; i++)
        tally_add(&t, at[order[i]], at[order[i] + 1] - at[order[i]]);
    assert_int_equal(t.pages, PAGES);
    for (unsigned i = n; i-- > 0;)
        tally_remove(&t, at[order[i]], at[order[i] + 1] - at[order[i]]);
    assert_int_equal(t.pages, 0);
    tally_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tally_counts_pages),
        cmocka_unit_test(tally_tells_idle),
        cmocka_unit_test(tally_gives_the_last),
        cmocka_unit_test(tally_is_told_of_others),
        cmocka_unit_test(tally_random_tiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
