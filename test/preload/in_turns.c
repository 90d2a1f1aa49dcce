/*
 * One thread after another fills BYTES with blocks of another size, and frees them: in a
 * cgroup with little more than that, whoever does not give memory back is killed.
 */
#include "allocator.h"

#include "support/expect.h"

#include <pthread.h>
#include <string.h>

enum { TURNS = 60, MOST = 400000 };

static size_t room;
static void **mem; /* not from the allocator */

static void *take_a_turn(void *number)
{
    static const size_t sizes[] = {100, 3000, 50000, 1000, 200000, 24, 1 << 20, 10000};
    size_t bytes = sizes[(uintptr_t)number % (sizeof sizes / sizeof *sizes)];
    size_t count = room / (bytes + 16) < MOST ? room / (bytes + 16) : MOST;
    for (size_t i = 0; i < count; i++) {
        mem[i] = malloc(bytes);
        REQUIRE(mem[i] != NULL);
        memset(mem[i], 1, bytes);
    }
    for (size_t i = 0; i < count; i++)
        free(mem[i * 7919 % count]);
    return NULL;
}

int main(int argc, char **argv)
{
    static void *blocks[MOST];
    REQUIRE(argc == 2 && allocator_is_preloaded());
    mem = blocks;
    room = (size_t)atol(argv[1]);
    for (uintptr_t i = 0; i < TURNS; i++) {
        pthread_t thread;
        REQUIRE(!pthread_create(&thread, NULL, take_a_turn, (void *)i));
        pthread_join(thread, NULL);
    }
    EXPECT(allocator_churn(1, 20000, 16) == 0);
    puts("all was well");
    return expect_done();
}
