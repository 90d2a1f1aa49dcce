/*
 * Allocation after main: atexit handlers, destructors, destructors of thread-specific data
 * in rounds, a thread that outlives main, an exit from within a thread.
 */
#include "allocator.h"

#include "support/child.h"
#include "support/expect.h"

#include <pthread.h>
#include <string.h>

static pthread_key_t first, second;

static void say(const char *what)
{
    char *copy = strdup(what);
    EXPECT(allocator_churn(1, 3000, 15) == 0);
    if (!copy || write(STDERR_FILENO, copy, strlen(copy)) < 0)
        _exit(9);
    free(copy);
}

static void late_handler(void)
{
    say("atexit ");
}

static void quick_handler(void)
{
    say("quick ");
}

/* Sets a value again, so that the library's rounds of destructors are used up, whichever
 * of them the allocator's own destructor runs in. */
static void end_of_first(void *value)
{
    long *rounds = value;
    EXPECT(allocator_churn((uint64_t)*rounds, 2000, 14) == 0);
    if (--*rounds > 0)
        pthread_setspecific(first, value);
    else
        free(value);
}

static void end_of_second(void *value)
{
    char **text = value;
    char *other = realloc(*text, 5000);
    EXPECT(other && !strcmp(other, "kept"));
    free(other);
    free(value);
}

static void *with_values(void *arg)
{
    long *rounds = malloc(sizeof *rounds);
    char **text = malloc(sizeof *text);
    REQUIRE(rounds && text);
    *rounds = 4;
    *text = strdup("kept");
    pthread_setspecific(first, rounds);
    pthread_setspecific(second, text);
    return arg;
}

static void *allocate_for_ever(void *arg)
{
    while (allocator_churn((uint64_t)(uintptr_t)arg, 100, 12) == 0)
        continue;
    EXPECT(false);
    return arg;
}

static void *exit_from_here(void *arg)
{
    (void)arg;
    say("thread ");
    exit(expect_done());
}

static void start(void *(*body)(void *), pthread_t *thread)
{
    REQUIRE(pthread_create(thread, NULL, body, NULL) == 0);
}

static int end_in(const char *way)
{
    pthread_t thread;
    atexit(late_handler);
    at_quick_exit(quick_handler);
    start(allocate_for_ever, &thread);
    if (!strcmp(way, "thread")) {
        start(exit_from_here, &thread);
        pthread_exit(NULL);
    }
    if (!strcmp(way, "quick"))
        quick_exit(expect_done());
    return expect_done();
}

static void expect_end(const char *way, const char *said)
{
    static struct outcome out;
    REQUIRE(child_again(&out, way, NULL, NULL));
    EXPECT_F(child_is_fine(&out) && strstr(out.text, said), "%s: status %x, said: %s",
             way, (unsigned)out.status, out.text);
}

int main(int argc, char **argv)
{
    REQUIRE(allocator_is_preloaded());
    if (argc > 1)
        return end_in(argv[1]);
    REQUIRE(!pthread_key_create(&first, end_of_first));
    REQUIRE(!pthread_key_create(&second, end_of_second));
    for (long rounds = scaled(50, 5); rounds > 0; rounds--) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            start(with_values, &threads[i]);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
    }
    for (long rounds = scaled(20, 2); rounds > 0; rounds--) {
        expect_end("main", "atexit ");
        expect_end("quick", "quick ");
        expect_end("thread", "thread ");
    }
    return expect_done();
}
