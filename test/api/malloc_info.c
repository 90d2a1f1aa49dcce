/* A heap of known contents, described by malloc_info on standard output; what is live
 * and mapped is told on standard error. check_malloc_info reads both. */
#include <pthread.h>

#include "api/names.h"
#include "support/expect.h"

enum { BLOCKS = 3000, BYTES = 700, THREADS = 3, MAPPED = 64 << 20 };

static pthread_barrier_t barrier;

static void *hold_some(void *unused)
{
    static _Thread_local void *mem[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        GOT(mem[i] = malloc(BYTES));
    for (int i = 0; i < BLOCKS; i += 2)
        free(mem[i]);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier); /* described meanwhile */
    for (int i = 1; i < BLOCKS; i += 2)
        free(mem[i]);
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, hold_some, NULL));
    void *mapped = malloc(MAPPED);
    GOT(mapped);
    pthread_barrier_wait(&barrier);

    EXPECT(malloc_info(1, stdout) == EINVAL);
    EXPECT(malloc_info(0, stdout) == 0);
    fprintf(stderr, "live %d mapped %d\n", THREADS * BLOCKS / 2 * BYTES,
            mapped ? MAPPED : 0);

    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    free(mapped);
    return expect_done();
}
