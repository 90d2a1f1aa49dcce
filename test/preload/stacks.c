/*
 * A stack without limit (the kernel then lays mappings out bottom up, near the break), a
 * small one, and threads with the smallest stacks there are.
 */
#include "allocator.h"

#include "support/expect.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

/* Frames as small as can be: what the calls themselves need is measured. */
static void *work_on_little(void *arg)
{
    void *blocks[64];
    size_t step = (size_t)arg;
    for (long rounds = scaled(200, 4), round = 0; round < rounds; round++) {
        for (size_t i = 0; i < 64; i++) {
            blocks[i] = malloc(i * step + (size_t)round);
            EXPECT(blocks[i] != NULL);
        }
        for (size_t i = 0; i < 64; i += 2)
            blocks[i] = realloc(blocks[i], i * step + 500);
        for (size_t i = 0; i < 64; i++)
            free(blocks[i]);
    }
    return NULL;
}

static void smallest_stacks(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    size_t bytes =
        least > PTHREAD_STACK_MIN ? (size_t)least : (size_t)PTHREAD_STACK_MIN;
    pthread_attr_t attr;
    pthread_t threads[8];
    REQUIRE(pthread_attr_init(&attr) == 0);
    REQUIRE(pthread_attr_setstacksize(&attr, bytes) == 0);
    for (long rounds = scaled(10, 2); rounds > 0; rounds--) {
        for (size_t i = 0; i < 8; i++)
            REQUIRE(
                !pthread_create(&threads[i], &attr, work_on_little, (void *)(i * 97)));
        for (size_t i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
    }
    pthread_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    REQUIRE(allocator_is_preloaded());
    if (strcmp(mode, "inside")) {
        struct rlimit limit;
        REQUIRE(getrlimit(RLIMIT_STACK, &limit) == 0);
        limit.rlim_cur = strcmp(mode, "small") ? limit.rlim_max : 160 * 1024;
        REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
        allocator_again("inside");
    }
    EXPECT(allocator_churn(1, 60000, 20) == 0);
    smallest_stacks();
    EXPECT(allocator_churn_threads(4, 64 * 1024, 30000, 16) == 0);
    return expect_done();
}
