/* Unit tests of front/unwind.h: on this very stack, against what the compiler says. */
#include "front/unwind.h"

#include "support/unit.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEEP = 6, MOST = 40 };

/* Called by way of a pointer that anything may have changed. */
static void touch(void *mem)
{
    *(volatile char *)mem = 1;
}
static void (*volatile look)(void *) = touch;

static uintptr_t expected[DEEP + 1], found[MOST];
static unsigned found_count;
static bool is_direct;

static NOINLINE void walk(void)
{
    static struct unwind u;
    found_count = 0;
    if (!unwind_here(&u, is_direct))
        return;
    while (found_count < MOST && unwind_step(&u))
        found[found_count++] = u.frame.pc;
}

static NOINLINE void deeper(unsigned depth)
{
    char room[300]; /* frames of some size */
    look(room);
    expected[depth] = (uintptr_t)CALLER();
    if (depth == 0)
        walk();
    else
        deeper(depth - 1);
    look(room); /* no tail call */
}

/* The returns of all levels follow each other; in front is walk's into deeper. */
static void expect_levels(unsigned first)
{
    assert_true(found_count > first + DEEP + 1);
    for (unsigned i = 0; i <= DEEP; i++)
        assert_int_equal(found[first + i], expected[i]);
}

/* Once reading all safely, once tables directly, where that can be. */
static bool set_direct(void **state)
{
    is_direct = *state != NULL;
    return !is_direct || unwind_is_cheap();
}

static void test_calls(void **state)
{
    if (!set_direct(state))
        skip();
    deeper(DEEP);
    if (found_count == 0)
        skip(); /* not on this processor */
    expect_levels(1);
    assert_true(found_count < MOST);
}

static volatile sig_atomic_t handled;

static void handle(int number)
{
    (void)number;
    walk();
    handled = 1;
}

static NOINLINE void deeper_signal(unsigned depth)
{
    char room[100];
    look(room);
    expected[depth] = (uintptr_t)CALLER();
    if (depth == 0)
        raise(SIGUSR1);
    else
        deeper_signal(depth - 1);
    look(room);
}

/* What a handler returns to where libc's has no tables, and an emulator's. */
#if defined(__aarch64__)
__asm__(".text\n\tnop\nplain_return:\n\tmov x8, #139\n\tsvc #0");
#define HAS_RETURN 1
#elif defined(__x86_64__) && !defined(__ILP32__)
__asm__(".text\n\tnop\nplain_return:\n\tmov $15, %rax\n\tsyscall");
#define HAS_RETURN 1
#else
#define HAS_RETURN 0
#endif

static void set_handler(int number, void (*handler)(int))
{
    signal(number, handler);
}

#if HAS_RETURN
extern const char plain_return[] __asm__("plain_return");

static void set_plain_handler(int number, void (*handler)(int))
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        const char *restorer;
        unsigned long mask;
    } action = {handler, 0x04000000, plain_return, 0};
    assert_int_equal(syscall(SYS_rt_sigaction, number, &action, NULL, 8), 0);
}
#else
#define set_plain_handler set_handler
#endif

/* The levels are there, whatever lies below them. */
static void expect_levels_above(void)
{
    unsigned first = 0;
    assert_true(handled);
    if (found_count == 0)
        skip();
    while (first < found_count && found[first] != expected[0])
        first++;
    expect_levels(first);
}

/* Across what the kernel pushed, and libc's own frames below it. */
static void expect_across(void **state, void (*set)(int number, void (*handler)(int)))
{
    if (!set_direct(state))
        skip();
    handled = 0;
    set(SIGUSR1, handle);
    deeper_signal(DEEP);
    expect_levels_above();
}

static void test_signal(void **state)
{
    expect_across(state, set_handler);
}

static void test_signal_plain(void **state)
{
    expect_across(state, set_plain_handler);
}

static sigjmp_buf before_fault;

static void handle_fault(int number)
{
    handle(number);
    siglongjmp(before_fault, 1);
}

static NOINLINE void deeper_fault(unsigned depth)
{
    char room[100];
    look(room);
    expected[depth] = (uintptr_t)CALLER();
    if (depth == 0)
        look((void *)8);
    else
        deeper_fault(depth - 1);
    look(room);
}

/* In a function without a frame, perhaps at its first instruction. */
static void test_fault(void **state)
{
    if (!set_direct(state))
        skip();
    handled = 0;
    set_plain_handler(SIGSEGV, handle_fault);
    if (sigsetjmp(before_fault, 1) == 0)
        deeper_fault(DEEP);
    set_handler(SIGSEGV, SIG_DFL);
    expect_levels_above();
}

int main(void)
{
    static char direct;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_signal_plain),
        cmocka_unit_test(test_fault),
        cmocka_unit_test_prestate(test_calls, &direct),
        cmocka_unit_test_prestate(test_signal, &direct),
        cmocka_unit_test_prestate(test_signal_plain, &direct),
        cmocka_unit_test_prestate(test_fault, &direct)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
