/* limits as|data: when the kernel gives no more, do calls return NULL with ENOMEM, and
 * is everything there again after the frees? */
#include <pthread.h>
#include <sys/resource.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/proc.h"

enum { MIB = 1 << 20, THREADS = 4 };

static size_t room; /* what the limit leaves */

struct list {
    struct list *next;
    size_t bytes;
};

static void *ask(unsigned call, size_t bytes)
{
    void *out = NULL;
    switch (call % 5) {
    case 0:
        return calloc(1, bytes);
    case 1:
        return memalign(64, bytes);
    case 2:
        if (posix_memalign(&out, 32, bytes) == 0)
            return out;
        errno = ENOMEM;
        return NULL;
    case 3:
        return realloc(NULL, bytes);
    default:
        return malloc(bytes);
    }
}

/* Takes until there is no more; returns the bytes that were had. */
static size_t take_all(struct list **all, size_t bytes)
{
    size_t had = 0;
    for (unsigned call = 0;; call++) {
        errno = 0;
        struct list *block = ask(call, bytes);
        if (!block) {
            EXPECT_F(errno == ENOMEM, "call %u: errno %d", call % 5, errno);
            return had;
        }
        pattern_fill_sparse(block, bytes, bytes);
        block->next = *all;
        block->bytes = bytes;
        *all = block;
        had += bytes;
    }
}

/* A block that cannot grow stays as it is. */
static void growth_fails_softly(struct list *block)
{
    if (!block)
        return;
    struct list kept = *block;
    errno = 0;
    void *more = realloc(block, (size_t)1024 * MIB);
    EXPECT(!more && errno == ENOMEM);
    EXPECT(block->next == kept.next && block->bytes == kept.bytes);
}

static void free_all(struct list **all)
{
    while (*all) {
        struct list *block = *all;
        *all = block->next;
        size_t tail = block->bytes - 8;
        EXPECT(pattern_differs(block, tail, block->bytes, block->bytes) ==
               block->bytes);
        free(block);
    }
}

static void exhaust(size_t bytes)
{
    struct list *all = NULL;
    size_t first = take_all(&all, bytes);
    growth_fails_softly(all);
    free_all(&all);
    size_t again = take_all(&all, bytes);
    free_all(&all);
    if (memory_may_run_out())
        return;
    /* A third of the small ones asks for an alignment that costs as much again. */
    EXPECT_F(first >= room / 10 * (bytes < 64 ? 4 : 6), "%zu a block: only %zu MiB",
             bytes, first / MIB);
    EXPECT_F(again >= first / 10 * 8, "%zu a block: %zu MiB, then %zu", bytes,
             first / MIB, again / MIB);
}

static void *exhaust_in_thread(void *unused)
{
    struct list *all = NULL;
    for (size_t bytes = 4000; bytes < 4 * MIB; bytes *= 8) {
        take_all(&all, bytes);
        free_all(&all);
    }
    return unused;
}

static void exhaust_together(void)
{
    pthread_t threads[THREADS];
    pthread_attr_t small; /* stacks stay mapped when their threads have ended */
    int made = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    while (made < THREADS &&
           !pthread_create(&threads[made], &small, exhaust_in_thread, NULL))
        made++;
    EXPECT(made > 0 || memory_may_run_out());
    for (int i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    if (UNDER_SANITIZER)
        SKIP("a sanitizer needs the address space for itself");
    bool data = argc > 1 && !strcmp(argv[1], "data");
    size_t used = (size_t)proc_status(data ? "VmData" : "VmSize", 10) * 1024;
    room = (size_t)scaled(200, 24) * MIB;
    rlim_t limit = used + room;
    struct rlimit both = {limit, limit};
    REQUIRE(setrlimit(data ? RLIMIT_DATA : RLIMIT_AS, &both) == 0);

    size_t large = room / 20;
    const size_t sizes[] = {large, 100000, 5000, 1000, 100, 5000, large, 32};
    size_t least = room / 40000; /* not too many where each call checks all blocks */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] > least || scaled(100, 1) == 100)
            exhaust(sizes[i]);
    malloc_trim(0); /* room for stacks */
    exhaust_together();
    exhaust(5000);
    return expect_done();
}
