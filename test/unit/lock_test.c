/* The futex lock: exclusion, owner, ranks, the fork window. */
#include "support/unit.h"

#include "base/check.h"
#include "os/lock.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 20000 };

static struct lock counter_lock = LOCK_INIT(RANK_ARENA);
static unsigned long counter;

static void *lock_count(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        lock_take(&counter_lock);
        counter++;
        lock_give(&counter_lock);
    }
    return NULL;
}

static void lock_excludes(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    counter = 0;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, lock_count, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(counter, (unsigned long)THREADS * ROUNDS);
    assert_int_equal(counter_lock.word, 0);
}

static void *lock_try_elsewhere(void *argument)
{
    struct lock *l = argument;
    if (lock_is_mine(l))
        return (void *)"mine";
    if (!lock_try(l))
        return (void *)"busy";
    lock_give(l);
    return (void *)"free";
}

static const char *elsewhere(struct lock *l)
{
    pthread_t thread;
    void *said;
    assert_int_equal(pthread_create(&thread, NULL, lock_try_elsewhere, l), 0);
    pthread_join(thread, &said);
    return said;
}

static void lock_knows_its_owner(void **state)
{
    (void)state;
    struct lock l;
    lock_init(&l, RANK_META);
    assert_false(lock_is_mine(&l));
    assert_true(lock_try(&l));
    assert_true(lock_is_mine(&l));
    assert_false(lock_try(&l));
    assert_string_equal(elsewhere(&l), "busy");
    lock_give(&l);
    assert_false(lock_is_mine(&l));
    assert_string_equal(elsewhere(&l), "free");
}

static void lock_fork_window(void **state)
{
    (void)state;
    struct lock l;
    lock_init(&l, RANK_MAPPED);
    lock_fork_begin();
    lock_take(&l);
    lock_fork_all_held();
    /* Other handlers may allocate: taking and giving does nothing, for this thread. */
    lock_take(&l);
    assert_true(lock_try(&l));
    lock_give(&l);
    lock_give(&l);
    assert_true(lock_is_mine(&l));
    assert_string_equal(elsewhere(&l), "busy");
    lock_fork_end();
    lock_give(&l);
    lock_fork_done(false);
    assert_string_equal(elsewhere(&l), "free");
}

/* The fork came out of a signal handler that interrupted the holder of a lock: it stays
 * held by that code, which goes on in the parent. */
static void lock_held_before_fork(void **state)
{
    (void)state;
    struct lock l;
    lock_init(&l, RANK_META);
    lock_take(&l);
    lock_fork_begin();
    lock_take(&l);
    lock_fork_all_held();
    lock_fork_end();
    lock_give(&l);
    lock_fork_done(false);
    assert_true(lock_is_mine(&l));
    assert_string_equal(elsewhere(&l), "busy");
    lock_give(&l);
    assert_string_equal(elsewhere(&l), "free");
}

#if CHUNKY_DEBUG
static void lock_take_it(void *argument)
{
    lock_take(argument);
}
#endif

static void lock_ranks(void **state)
{
    (void)state;
#if CHUNKY_DEBUG
    struct lock high, low, same;
    lock_init(&high, RANK_MAPPED);
    lock_init(&low, RANK_ARENAS);
    lock_init(&same, RANK_MAPPED);
    lock_take(&high);
    expect_fail("internal: l->rank == RANK_ARENA *", lock_take_it, &low);
    expect_fail("internal: l->rank == RANK_ARENA *", lock_take_it, &same);
    lock_give(&high);
    lock_init(&low, RANK_ARENAS);
    lock_take(&low);
    lock_init(&high, RANK_MAPPED);
    lock_take(&high);
    lock_give(&high);
    lock_give(&low);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_excludes),    cmocka_unit_test(lock_knows_its_owner),
        cmocka_unit_test(lock_fork_window), cmocka_unit_test(lock_held_before_fork),
        cmocka_unit_test(lock_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
