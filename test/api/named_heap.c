/* Named heaps: contracts of the calls, blocks that stay apart from everything else, all
 * gone at once; frees by the ordinary calls; threads, fork, the walk. */
#include "chunky.h"

#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/proc.h"
#include "support/random.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 200 };

static const size_t sizes[] = {0,    1,    23,    24,     25,     200,     1000,
                               1024, 9000, 40000, 140000, 700000, 3000000, 70000000};

static void contracts(void)
{
    errno = 0;
    EXPECT(chunky_heap_create(NULL, 0) == NULL && errno == EINVAL);
    errno = 0;
    EXPECT(chunky_heap_create("", 0) == NULL && errno == EINVAL);
    struct chunky_heap *h =
        chunky_heap_create("a name of more than thirty-one bytes", 0);
    REQUIRE(h != NULL);
    EXPECT(strcmp(chunky_heap_name(h), "a name of more than thirty-one ") == 0);
    errno = 0;
    EXPECT(chunky_heap_malloc(h, unknown(SIZE_MAX)) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(chunky_heap_malloc(h, unknown(PTRDIFF_MAX)) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(chunky_heap_calloc(h, unknown(SIZE_MAX / 2), 3) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(chunky_heap_aligned_alloc(h, 48, 10) == NULL && errno == EINVAL);
    errno = 0;
    EXPECT(chunky_heap_aligned_alloc(h, 0, 10) == NULL && errno == EINVAL);
    errno = 0;
    EXPECT(chunky_heap_aligned_alloc(h, 64, unknown(SIZE_MAX - 64)) == NULL &&
           errno == ENOMEM);
    void *kept = chunky_heap_malloc(h, 10);
    if (GOT(kept)) {
        errno = 0;
        EXPECT(chunky_heap_realloc(h, kept, unknown(SIZE_MAX)) == NULL &&
               errno == ENOMEM && chunky_heap_of(kept) == h);
        errno = EPROTO;
        EXPECT(chunky_heap_realloc(h, unknown_mem(kept), 0) == NULL && errno == EPROTO);
    }
    errno = EPROTO;
    chunky_heap_free(h, NULL);
    chunky_heap_destroy(h);
    chunky_heap_destroy(NULL);
    EXPECT(errno == EPROTO);
    void *plain = malloc(10);
    EXPECT(chunky_heap_of(plain) == NULL && chunky_heap_of(NULL) == NULL);
    free(plain);
}

static void each_size(struct chunky_heap *h)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t bytes = sizes[i];
        unsigned char *a = chunky_heap_malloc(h, bytes);
        unsigned char *b = chunky_heap_calloc(h, bytes, 1);
        unsigned char *c = chunky_heap_aligned_alloc(h, 4096, bytes);
        if (!GOT(a) || !GOT(b) || !GOT(c))
            return;
        EXPECT(a != b && is_aligned(a, LEAST_ALIGN) && is_aligned(c, 4096));
        EXPECT_F(malloc_usable_size(a) == bytes, "%zu usable of %zu",
                 malloc_usable_size(a), bytes);
        EXPECT(chunky_heap_of(a) == h && chunky_heap_of(c) == h);
        for (size_t at = 0; at < bytes; at++)
            if (b[at] != 0) {
                EXPECT_F(b[at] == 0, "calloc of %zu: byte %zu", bytes, at);
                break;
            }
        pattern_fill_sparse(a, bytes, 1);
        /* Grown and shrunk by anybody's realloc it stays in its heap. */
        unsigned char *grown = i % 2 ? realloc(a, bytes * 2 + 100)
                                     : chunky_heap_realloc(h, a, bytes * 2 + 100);
        if (GOT(grown)) {
            EXPECT(pattern_holds_sparse(grown, bytes, 1));
            EXPECT(chunky_heap_of(grown) == h);
            EXPECT(malloc_usable_size(grown) == bytes * 2 + 100);
            a = chunky_heap_realloc(h, grown, bytes / 2 + 1);
            EXPECT(a != NULL && pattern_holds_prefix(a, bytes / 2, 1));
            EXPECT(chunky_heap_of(a) == h);
        }
        free(a);
        chunky_heap_free(h, b);
        free(c);
    }
    EXPECT(chunky_heap_stats(h).blocks == 0 && chunky_heap_stats(h).used == 0);
}

struct count {
    size_t blocks, bytes;
    struct chunky_heap *heap;
    unsigned long wrong;
};

static int count_block(const struct chunky_block *block, void *context)
{
    struct count *n = context;
    n->blocks++;
    n->bytes += block->bytes;
    n->wrong += block->heap != n->heap || block->usable < block->bytes ||
                block->size <= block->usable;
    return 0;
}

static int stop_at_seven(const struct chunky_block *block, void *context)
{
    (void)block;
    return ++*(int *)context == 7 ? 77 : 0;
}

static int find_block(const struct chunky_block *block, void *context)
{
    return block->mem == context ? 1 : 0;
}

static void walks(struct chunky_heap *h)
{
    void *mem[BLOCKS] = {0};
    size_t bytes = 0, blocks = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        mem[i] = chunky_heap_malloc(h, i * i);
        blocks += mem[i] != NULL;
        bytes += mem[i] != NULL ? i * i : 0;
    }
    void *large = chunky_heap_malloc(h, 2000000);
    blocks += large != NULL;
    bytes += large != NULL ? 2000000 : 0;
    struct count n = {.heap = h};
    EXPECT(chunky_heap_walk(h, count_block, &n) == 0);
    EXPECT_F(n.blocks == blocks && n.bytes == bytes && n.wrong == 0,
             "%zu of %zu blocks, %zu of %zu bytes, %lu wrong", n.blocks, blocks,
             n.bytes, bytes, n.wrong);
    EXPECT(chunky_heap_stats(h).blocks == blocks);
    EXPECT(chunky_heap_stats(h).used > bytes);
    int seen = 0;
    EXPECT(chunky_heap_walk(h, stop_at_seven, &seen) == 77 && seen == 7);
    /* The process's walk sees these, plain ones, and no freed one. */
    char *plain = malloc(100), *mapped = malloc(1 << 24), *freed = malloc(100);
    free(unknown_mem(freed));
    EXPECT(chunky_walk(find_block, large) == (large != NULL));
    EXPECT(chunky_walk(find_block, plain) == (plain != NULL));
    EXPECT(chunky_walk(find_block, mapped) == (mapped != NULL));
    EXPECT(chunky_walk(find_block, unknown_mem(freed)) == 0);
    free(plain);
    free(mapped);
    for (unsigned i = 0; i < BLOCKS; i += 2)
        free(mem[i]);
    n = (struct count){.heap = h};
    chunky_heap_walk(h, count_block, &n);
    EXPECT(n.wrong == 0 && n.blocks < blocks);
}

static int copy_first(const struct chunky_block *block, void *context)
{
    *(struct chunky_block *)context = *block;
    return 1;
}

/* With level 1: a record of the request that an overflow wrote over says nothing. */
static void overrun(size_t bytes)
{
    struct chunky_heap *h = chunky_heap_create("overrun", 0);
    struct chunky_block before = {0}, after = {0};
    unsigned char saved[64];
    if (!GOT(h))
        return;
    unsigned char *mem = chunky_heap_malloc(h, bytes);
    chunky_heap_walk(h, copy_first, &before);
    EXPECT(before.mem == mem && before.bytes >= bytes && before.usable >= before.bytes);
    unsigned char *end = unknown_mem((char *)before.mem + before.usable - sizeof saved);
    memcpy(saved, end, sizeof saved);
    memset(end, 50, sizeof saved);
    chunky_heap_walk(h, copy_first, &after);
    memcpy(end, saved, sizeof saved);
    EXPECT_F(after.mem == mem && after.bytes == after.usable, "%zu of %zu bytes",
             after.bytes, after.usable);
    chunky_heap_destroy(h);
}

/* Destroyed with blocks in it: the memory is gone, and the next heap starts empty. */
static void at_once(void)
{
    size_t before = proc_resident();
    for (int round = 0; round < 20; round++) {
        struct chunky_heap *h = chunky_heap_create("at once", 0);
        if (!GOT(h))
            continue;
        EXPECT(chunky_heap_stats(h).blocks == 0);
        for (int i = 0; i < 3000; i++) {
            char *mem = chunky_heap_malloc(h, 5000);
            if (mem != NULL)
                memset(mem, 1, 5000);
        }
        char *large = chunky_heap_malloc(h, 1 << 24);
        if (large != NULL)
            memset(large, 1, 1 << 24);
        chunky_heap_destroy(h);
    }
    size_t after = proc_resident();
    if (!UNDER_SANITIZER)
        EXPECT_F(after < before + (8 << 20), "resident %zu, then %zu", before, after);
}

static void limited(void)
{
    struct chunky_heap *h = chunky_heap_create("limited", 1 << 20);
    REQUIRE(h != NULL);
    void *mem;
    size_t got = 0;
    errno = 0;
    while ((mem = chunky_heap_malloc(h, 1000)) != NULL)
        got += 1000;
    EXPECT_F(errno == ENOMEM && got <= 1 << 20, "%zu bytes, errno %d", got, errno);
    if (!memory_may_run_out())
        EXPECT_F(got > 900000, "%zu bytes", got);
    EXPECT(chunky_heap_stats(h).used <= 1 << 20);
    EXPECT(chunky_heap_malloc(h, 1 << 24) == NULL);
    void *other = malloc(1 << 24); /* nobody else is limited */
    (void)GOT(other);
    free(other);
    chunky_heap_destroy(h);
}

static struct chunky_heap *shared[3];

static void *work(void *seed)
{
    struct random r = {(uintptr_t)seed};
    struct {
        unsigned char *mem;
        size_t bytes;
    } held[64] = {{0}};
    long rounds = scaled(40000, 400);
    for (long i = 0; i < rounds; i++) {
        unsigned at = (unsigned)random_below(&r, 64);
        struct chunky_heap *h = shared[random_below(&r, 3)];
        if (held[at].mem != NULL) {
            EXPECT(pattern_holds_sparse(held[at].mem, held[at].bytes, at));
            if (i % 3 == 0)
                chunky_heap_free(chunky_heap_of(held[at].mem), held[at].mem);
            else
                free(held[at].mem);
        }
        held[at].bytes = random_size(&r, i % 100 == 0 ? 19 : 12);
        held[at].mem = chunky_heap_malloc(h, held[at].bytes);
        if (held[at].mem != NULL)
            pattern_fill_sparse(held[at].mem, held[at].bytes, at);
    }
    return NULL; /* what is held stays for the heaps' end */
}

static void *trim_always(void *stop)
{
    while (!*(_Atomic int *)stop)
        malloc_trim(0);
    return NULL;
}

static void threads(void)
{
    pthread_t thread[4], trimmer;
    _Atomic int stop = 0;
    REQUIRE(pthread_create(&trimmer, NULL, trim_always, &stop) == 0);
    for (int i = 0; i < 3; i++)
        REQUIRE((shared[i] = chunky_heap_create("shared", 0)) != NULL);
    for (uintptr_t i = 0; i < 4; i++)
        REQUIRE(pthread_create(&thread[i], NULL, work, (void *)(i + 1)) == 0);
    for (int i = 0; i < 20; i++) {
        /* A child finds every heap unlocked, and may use and destroy it. */
        pid_t child = fork();
        if (child == 0) {
            alarm(300);
            for (int k = 0; k < 3; k++) {
                void *mem = chunky_heap_malloc(shared[k], 100);
                chunky_heap_free(shared[k], mem);
                chunky_heap_destroy(shared[k]);
            }
            _exit(0);
        }
        int status = 1;
        waitpid(child, &status, 0);
        EXPECT_F(status == 0, "child %d: status %#x", i, status);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 3; i++)
        chunky_heap_destroy(shared[i]); /* while the other thread trims */
    for (int i = 0; i < 200; i++) {
        struct chunky_heap *h = chunky_heap_create("short", 0);
        for (int k = 0; h != NULL && k < 30; k++)
            free(chunky_heap_malloc(h, 20000));
        chunky_heap_destroy(h);
    }
    stop = 1;
    pthread_join(trimmer, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "overrun") == 0) {
        overrun(100);
        overrun(3000000);
        return expect_done();
    }
    contracts();
    struct chunky_heap *h = chunky_heap_create("test", 0);
    REQUIRE(h != NULL);
    each_size(h);
    walks(h);
    chunky_heap_destroy(h);
    at_once();
    limited();
    threads();
    return expect_done();
}
