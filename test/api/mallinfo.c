/* Do mallinfo2 and mallinfo tell the truth: live bytes as used, cached ones as free,
 * mapped ones apart, over all threads? */
#include <pthread.h>

#include "api/names.h"
#include "support/expect.h"

enum { BLOCKS = 4000, THREADS = 8, THREAD_BLOCKS = 1000, SLACK = 64 << 10 };
/* What a heap keeps at its ends when it has grown, and 16 bytes of each cached chunk that
 * is as much longer than its class: the rest was too short to be split off. */
enum { FENCES = 256 + 128 * 16 };
enum { MAPPED = 64 << 20 };

static void *mem[BLOCKS];

static void sums_agree(struct mallinfo2 now)
{
    EXPECT_F(now.arena == now.uordblks + now.fordblks, "%zu != %zu + %zu", now.arena,
             now.uordblks, now.fordblks);
    EXPECT(now.keepcost <= now.fordblks);
    EXPECT(now.fsmblks <= now.fordblks);
}

/* What `now` counts as used beyond `base` is `bytes` and some overhead. */
static void used_is(struct mallinfo2 now, struct mallinfo2 base, size_t bytes,
                    size_t blocks)
{
    size_t used = now.uordblks - base.uordblks;
    EXPECT_F(used >= bytes, "%zu bytes live, %zu told", bytes, used);
    EXPECT_F(used <= bytes + bytes / 8 + blocks * 24 + SLACK,
             "%zu bytes live, %zu told", bytes, used);
    sums_agree(now);
}

static void one_thread(void)
{
    struct mallinfo2 base = mallinfo2();
    size_t bytes = 0;
    size_t blocks = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t n = 1 + i * 7 % 3000;
        mem[i] = malloc(n);
        if (!GOT(mem[i]))
            continue;
        bytes += n;
        blocks++;
    }
    used_is(mallinfo2(), base, bytes, blocks);
    for (size_t i = 0; i < BLOCKS; i++)
        free(mem[i]);
    struct mallinfo2 now = mallinfo2();
    sums_agree(now);
    if (UNDER_CHUNKY) /* glibc counts what its thread caches hold as used */
        EXPECT_F(now.uordblks <= base.uordblks + FENCES,
                 "all freed, but %zu more than before", now.uordblks - base.uordblks);
}

static void mapped_chunks(void)
{
    struct mallinfo2 base = mallinfo2();
    void *a = malloc(MAPPED);
    void *b = malloc(MAPPED + 12345);
    if (GOT(a) && GOT(b)) {
        struct mallinfo2 now = mallinfo2();
        EXPECT(now.hblks == base.hblks + 2);
        size_t more = now.hblkhd - base.hblkhd;
        EXPECT_F(more >= 2 * (size_t)MAPPED + 12345, "%zu", more);
        EXPECT_F(more <= 2 * (size_t)MAPPED + 12345 + SLACK, "%zu", more);
        sums_agree(now);
    }
    free(a);
    free(b);
    struct mallinfo2 now = mallinfo2();
    EXPECT(now.hblks == base.hblks && now.hblkhd == base.hblkhd);
}

static pthread_barrier_t barrier;

static void *hold_then_free(void *unused)
{
    void *mine[THREAD_BLOCKS];
    for (int i = 0; i < THREAD_BLOCKS; i++)
        GOT(mine[i] = malloc(1000));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier); /* the main thread has looked */
    for (int i = 0; i < THREAD_BLOCKS; i++)
        free(mine[i]);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier); /* still alive, its cache full */
    return unused;
}

static void many_threads(void)
{
    pthread_t threads[THREADS];
    struct mallinfo2 base = mallinfo2();
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, hold_then_free, NULL));
    pthread_barrier_wait(&barrier);
    size_t blocks = (size_t)THREADS * THREAD_BLOCKS;
    if (!memory_may_run_out())
        used_is(mallinfo2(), base, blocks * 1000, blocks);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    struct mallinfo2 now = mallinfo2();
    sums_agree(now);
    if (UNDER_CHUNKY)
        EXPECT_F(now.uordblks <= base.uordblks + SLACK, "%zu, before %zu", now.uordblks,
                 base.uordblks);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void narrow_one_agrees(void)
{
    void *some = malloc(100000);
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo();
    EXPECT(narrow.arena == (int)wide.arena);
    EXPECT(narrow.uordblks == (int)wide.uordblks);
    EXPECT(narrow.fordblks == (int)wide.fordblks);
    EXPECT(narrow.hblkhd == (int)wide.hblkhd);
    EXPECT(narrow.keepcost == (int)wide.keepcost);
    free(some);
}

int main(void)
{
    one_thread();
    mapped_chunks();
    many_threads();
    one_thread();
    narrow_one_agrees();
    return expect_done();
}
