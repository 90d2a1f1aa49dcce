/* Acceptance case 3: 1,000 forks from a process whose threads are busy allocating. Does
 * every child allocate, free, and exit? */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

enum { FORKS = 1000, THREADS = 3, BLOCKS = 200, CHILD_ROUNDS = 300 };

static atomic_bool stop;

struct block {
    unsigned char *mem;
    size_t bytes;
};

/* Replaces random blocks, each checked before it goes; false if one had changed. */
static bool churn(struct block *blocks, struct random *r, int rounds)
{
    bool whole = true;
    for (int i = 0; i < rounds; i++) {
        struct block *b = &blocks[random_below(r, BLOCKS)];
        if (b->mem)
            whole &= pattern_holds_sparse(b->mem, b->bytes, b->bytes);
        free(b->mem);
        b->bytes = random_size(r, random_below(r, 100) ? 13 : 18);
        b->mem = malloc(b->bytes);
        if (b->mem)
            pattern_fill_sparse(b->mem, b->bytes, b->bytes);
    }
    return whole;
}

static void *stay_busy(void *number)
{
    struct block blocks[BLOCKS] = {{NULL, 0}};
    struct random r = {(uint64_t)(uintptr_t)number};
    while (!atomic_load(&stop))
        EXPECT(churn(blocks, &r, 1000));
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i].mem);
    return NULL;
}

static void live_as_child(struct block *blocks, uint64_t seed)
{
    struct random r = {seed};
    alarm(120);
    bool whole = churn(blocks, &r, CHILD_ROUNDS);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i].mem);
    free(malloc(300000));
    _exit(whole ? 0 : 3);
}

int main(void)
{
    static struct block blocks[BLOCKS];
    pthread_t threads[THREADS];
    struct random r = {77};
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, stay_busy, (void *)(i + 1)));
    long forks = scaled(FORKS, 50);
    for (long i = 0; i < forks; i++) {
        EXPECT(churn(blocks, &r, 30));
        pid_t pid = fork();
        if (pid == 0)
            live_as_child(blocks, (uint64_t)i);
        EXPECT_F(child_reaped(pid, "busy fork"), "fork %ld", i);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return expect_done();
}
