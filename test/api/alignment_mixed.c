/* Aligned blocks that are fetched many at a time, out of what blocks of all alignments left:
 * each lies right, none over another, whoever frees them in whatever order. */
#include <pthread.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/random.h"

enum { BLOCKS = 3000, ROUNDS = 12, THREADS = 3 };

struct block {
    unsigned char *mem;
    size_t bytes;
};

static void block_take(struct block *b, size_t align, size_t bytes, unsigned char mark)
{
    void *mem = NULL;
    EXPECT(posix_memalign(&mem, align, bytes) == 0);
    EXPECT(((uintptr_t)mem & (align - 1)) == 0);
    *b = (struct block){mem, bytes};
    memset(mem, mark, bytes);
}

static void block_drop(struct block *b, unsigned char mark)
{
    EXPECT(b->mem[0] == mark && b->mem[b->bytes - 1] == mark);
    EXPECT(b->mem[b->bytes / 2] == mark);
    free(b->mem);
}

/* What is freed last is aligned, and what lies below it is not. */
static void *rounds(void *arg)
{
    struct random r = {1 + (uint64_t)(uintptr_t)arg};
    static _Thread_local struct block plain[BLOCKS], aligned[BLOCKS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t align = (size_t)32 << (round % 6);
        size_t bytes = 40 + 24 * random_below(&r, 60);
        unsigned char mark = (unsigned char)(round + 1);
        /* As large as an aligned one that reaches to the next. */
        size_t like = bytes + (align - (bytes + 8) % align) % align;
        for (unsigned i = 0; i < BLOCKS; i++) {
            block_take(&aligned[i], align, bytes, mark);
            block_take(&plain[i], 16, like, mark);
        }
        for (unsigned i = 0; i < BLOCKS; i++)
            block_drop(&plain[i], mark);
        for (unsigned i = 0; i < BLOCKS; i += 1 + round % 3)
            block_drop(&aligned[i], mark);
        for (unsigned i = 0; i < BLOCKS; i += 1 + round % 3)
            block_take(&aligned[i], align, bytes, mark);
        for (unsigned i = BLOCKS; i-- > 0;)
            block_drop(&aligned[i], mark);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&thread[i], NULL, rounds, (void *)i) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        EXPECT(pthread_join(thread[i], NULL) == 0);
    return expect_done();
}
