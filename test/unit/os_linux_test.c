/* The real system behind os.h: the promises that the rest relies on. */
#include "support/unit.h"

#include "base/bits.h"
#include "os/os.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int os_setup(void **state)
{
    (void)state;
    os_init();
    return 0;
}

static bool is_zero(const char *start, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (start[i] != 0)
            return false;
    return true;
}

static void os_maps_zeroes(void **state)
{
    (void)state;
    size_t page = os_page_size();
    assert_true(is_power_of_two(page) && page >= 4096);
    char *start = os_map(4 * page);
    assert_non_null(start);
    assert_int_equal((uintptr_t)start % page, 0);
    assert_true(is_zero(start, 4 * page));
    memset(start, 1, 4 * page);
    errno = EDOM;
    assert_int_equal(os_resident(start, 4 * page), 4 * page);
    os_purge(&(struct os_range){start + page, 2 * page}, 1, false);
    assert_int_equal(os_resident(start, 4 * page), 2 * page);
    assert_true(is_zero(start + page, 2 * page));
    assert_int_equal(start[0], 1);
    assert_int_equal(start[3 * page], 1);
    os_unmap(start, 4 * page);
    assert_int_equal(errno, EDOM);
}

/* Every second page, first all at once, then with one among them that is locked. */
static void os_purges_many(void **state)
{
    (void)state;
    enum { COUNT = 20, LOCKED = 7 };
    size_t page = os_page_size();
    struct os_range range[COUNT];
    char *start = os_map(2 * COUNT * page);
    for (int round = 0; round < 2; round++) {
        /* Not by libc's mlock: sanitizers make nothing of it. */
        char *lock = start + 2 * LOCKED * page;
        bool locked = round == 1 && syscall(SYS_mlock, lock, page) == 0;
        memset(start, 1, 2 * COUNT * page);
        for (size_t i = 0; i < COUNT; i++)
            range[i] = (struct os_range){start + 2 * i * page, page};
        errno = EDOM;
        os_purge(range, COUNT, true);
        assert_int_equal(errno, EDOM);
        for (size_t i = 0; i < COUNT; i++) {
            bool refused = locked && i == LOCKED;
            assert_int_equal(range[i].size, refused ? 0 : page);
            assert_int_equal(is_zero(start + 2 * i * page, page), !refused);
            assert_int_equal(start[(2 * i + 1) * page], 1);
        }
    }
    os_unmap(start, 2 * COUNT * page);
}

static void os_reserves_aligned(void **state)
{
    (void)state;
    for (size_t align = os_page_size(); align <= 8 * MIB; align *= 4) {
        char *start = os_reserve_aligned(3 * os_page_size(), align);
        assert_int_equal((uintptr_t)start % align, 0);
        assert_true(os_commit(start, 3 * os_page_size()));
        memset(start, 1, 3 * os_page_size());
        os_unmap(start, 3 * os_page_size());
    }
}

static void os_reserves_and_commits(void **state)
{
    (void)state;
    size_t page = os_page_size();
    char *start = os_reserve_aligned(16 * MIB, 16 * MIB);
    assert_int_equal((uintptr_t)start % (16 * MIB), 0);
    assert_true(os_commit(start, 2 * page));
    memset(start, 1, 2 * page);
    os_decommit(start + page, page);
    assert_true(os_commit(start + page, page));
    assert_true(is_zero(start + page, page));
    assert_int_equal(start[0], 1);
    os_unmap(start, 16 * MIB);
}

static void os_remaps(void **state)
{
    (void)state;
    size_t page = os_page_size();
    char *start = os_map(2 * page);
    memset(start, 7, 2 * page);
    char *moved = os_remap(start, 2 * page, 300 * page, true);
    assert_non_null(moved);
    assert_int_equal(moved[2 * page - 1], 7);
    assert_true(is_zero(moved + 2 * page, 298 * page));
    moved = os_remap(moved, 300 * page, page, false);
    assert_int_equal(moved[0], 7);
    os_unmap(moved, page);
}

/* Two pages, and behind them one that nobody may read, or none at all. */
static void os_peeks(void **state)
{
    size_t (*const peek)(const void *, void *, size_t) =
        *state == NULL ? os_peek : os_peek_own;
    size_t page = os_page_size(), most = 0;
    char *start = os_map(3 * page), *got = os_map(3 * page);
    for (size_t i = 0; i < 2 * page; i++)
        start[i] = (char)(i * 31 + i / page);
    errno = EDOM;
    for (unsigned gone = 0; gone < 2; gone++) {
        if (gone != 0)
            os_unmap(start + 2 * page, page);
        else
            os_decommit(start + 2 * page, page);
        assert_int_equal(peek(start + 5, got, 3 * page - 5), 2 * page - 5);
        assert_memory_equal(got, start + 5, 2 * page - 5);
        assert_int_equal(peek(start + page - 3, got, 6), 6);
        assert_memory_equal(got, start + page - 3, 6);
        assert_int_equal(peek(start + 2 * page, got, 8), 0);
    }
    for (uintptr_t at = 16; at != 0; at <<= 4) /* mostly nowhere */
        most = max_size(most, peek((const void *)(at + 1), got, 8));
    assert_in_range(most, 0, 8);
    assert_int_equal(peek((const void *)(UINTPTR_MAX - 20), got, 40), 0);
    assert_int_equal(errno, EDOM);
    os_unmap(start, 2 * page);
    os_unmap(got, 3 * page);
}

static void os_fails_with_errno(void **state)
{
    (void)state;
    size_t huge = align_down(SIZE_MAX / 2, os_page_size());
    errno = 0;
    assert_null(os_map(huge));
    assert_int_equal(errno, ENOMEM);
    assert_null(os_reserve_aligned(huge, huge / 2 + 1));
    errno = 0;
    assert_null(os_break((intptr_t)(huge / 2)));
    assert_int_equal(errno, ENOMEM);
}

static void os_breaks(void **state)
{
    (void)state;
    char *old = os_break(8192);
    assert_non_null(old);
    assert_ptr_equal(os_break(0), old + 8192);
    old[8191] = 1;
    assert_ptr_equal(os_break(-8192), old + 8192);
    assert_ptr_equal(sbrk(0), old);
}

static void os_environment_value(void **state)
{
    (void)state;
    setenv("CHUNKY_TEST_NAME", "a=b", 1);
    assert_string_equal(os_environment("CHUNKY_TEST_NAME"), "a=b");
    assert_null(os_environment("CHUNKY_TEST_NAM"));
    assert_null(os_environment("CHUNKY_TEST_NAME_"));
    setenv("CHUNKY_TEST_NAME", "", 1);
    assert_string_equal(os_environment("CHUNKY_TEST_NAME"), "");
    unsetenv("CHUNKY_TEST_NAME");
}

static void os_facts(void **state)
{
    (void)state;
    unsigned char a[32] = {0}, b[32] = {0};
    errno = EDOM;
    assert_true(os_cpus() >= 1);
    assert_true(os_cpus() <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    os_random(a, sizeof a);
    os_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    uint64_t now = os_clock_ms();
    usleep(30000);
    assert_true(os_clock_ms() > now);
    assert_int_equal(os_thread_id(), (unsigned)getpid());
    assert_int_equal(errno, EDOM);
}

static _Atomic uint32_t word;

static void *os_waker(void *argument)
{
    (void)argument;
    usleep(20000);
    atomic_store(&word, 1);
    os_wake(&word);
    return NULL;
}

static void os_waits(void **state)
{
    (void)state;
    pthread_t thread;
    os_wait(&word, 5); /* not what is there: no sleep */
    assert_int_equal(pthread_create(&thread, NULL, os_waker, NULL), 0);
    while (atomic_load(&word) == 0)
        os_wait(&word, 0);
    pthread_join(thread, NULL);
}

static void os_bars_signals(void **state)
{
    (void)state;
    sigset_t before, now, after;
    os_bar_signals(&before);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_true(sigismember(&now, SIGUSR1) && sigismember(&now, SIGALRM));
    assert_false(sigismember(&now, SIGSEGV) || sigismember(&now, SIGBUS));
    os_allow_signals(&before);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i <= SIGRTMAX; i++)
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(os_maps_zeroes),
        cmocka_unit_test(os_purges_many),
        cmocka_unit_test(os_reserves_aligned),
        cmocka_unit_test(os_reserves_and_commits),
        cmocka_unit_test(os_remaps),
        cmocka_unit_test(os_fails_with_errno),
        cmocka_unit_test(os_breaks),
        cmocka_unit_test(os_environment_value),
        cmocka_unit_test(os_facts),
        cmocka_unit_test(os_waits),
        cmocka_unit_test(os_peeks),
        cmocka_unit_test(os_bars_signals),
        cmocka_unit_test_prestate(os_peeks, (void *)"its own"),
    };
    return cmocka_run_group_tests(tests, os_setup, NULL);
}
