/* Each request to the kernel refused in turn, alone and with all behind it, under every
 * public call: does the call do its work or say NULL and ENOMEM, is nothing lost, and is
 * all well again afterwards? */
#include "support/refusing_kernel.h"

#include <pthread.h>
#include <sys/wait.h>

#include "chunky.h"

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/pattern.h"

enum { KIB = 1 << 10, MIB = 1 << 20, KEPT = 30000, MOST = 20000 };
enum { NOTHING_REFUSED = 99 };

static const size_t sizes[] = {1,        24,        500,       1024,      9000,
                               40 * KIB, 100 * KIB, 127 * KIB, 200 * KIB, 700 * KIB,
                               3 * MIB,  33 * MIB,  24};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* What a child found, for the parent to see. */
struct found {
    long requests; /* of the scenario */
    long refused;
};
static struct found *found;

/* --- blocks, and whether they are right ------------------------------------------------ */

static struct block {
    unsigned char *mem;
    size_t bytes;
} kept[KEPT];
static size_t kept_count;

static long refusals_seen;

static void start_refusing(long from, long to)
{
    refusals_seen = 0;
    refuse_requests(from, to);
}

/* A call says no only with ENOMEM, and only after the kernel said no to it. */
static void judge(const void *mem, size_t bytes)
{
    long refusals = atomic_load(&kernel_refused);
    EXPECT_F(mem || errno == ENOMEM, "%zu bytes: errno %d", bytes, errno);
    EXPECT_F(mem || refusals > refusals_seen || memory_may_run_out(),
             "%zu bytes: refused, but not by the kernel", bytes);
    refusals_seen = refusals;
}

/* Whatever was given is kept and filled. */
static bool keep(void *mem, size_t bytes, size_t align)
{
    judge(mem, bytes);
    errno = 0;
    if (!mem)
        return false;
    EXPECT(is_aligned(mem, align) && malloc_usable_size(mem) >= bytes);
    pattern_fill_sparse(mem, bytes, bytes);
    REQUIRE(kept_count < KEPT);
    kept[kept_count++] = (struct block){mem, bytes};
    return true;
}

static bool is_whole(const struct block *b)
{
    return pattern_holds_sparse(b->mem, b->bytes, b->bytes);
}

/* Every n-th block, from the last on. */
static void free_kept(size_t every)
{
    for (size_t i = kept_count; i > 0; i = i > every ? i - every : 0) {
        struct block *b = &kept[i - 1];
        EXPECT(is_whole(b));
        errno = EBUSY;
        free(b->mem);
        EXPECT(errno == EBUSY);
        *b = kept[--kept_count];
    }
    errno = 0;
}

static int count_block(const struct chunky_block *block, void *count)
{
    EXPECT(block->mem && block->usable >= block->bytes);
    ++*(size_t *)count;
    return 0;
}

static size_t blocks_in_use(void)
{
    size_t count = 0;
    EXPECT(chunky_walk(count_block, &count) == 0);
    return count;
}

/* --- the scenarios --------------------------------------------------------------------- */

static void ask_malloc(void)
{
    for (size_t i = 0; i < SIZES; i++)
        keep(malloc(sizes[i]), sizes[i], LEAST_ALIGN);
}

static void ask_calloc(void)
{
    for (size_t i = 0; i < SIZES; i++) {
        unsigned char *mem = calloc(sizes[i], 1);
        EXPECT(!mem || pattern_not_zero(mem, sizes[i]) == sizes[i]);
        keep(mem, sizes[i], LEAST_ALIGN);
    }
}

static size_t small_ones; /* how many are many */

static void ask_many_small(void)
{
    for (size_t i = 0; i < small_ones; i++) {
        size_t bytes = 16 + i * 7 % 1500;
        keep(malloc(bytes), bytes, LEAST_ALIGN);
    }
}

static void ask_everything(void)
{
    ask_many_small();
    ask_malloc();
}

static void ask_aligned(void)
{
    static const size_t aligns[] = {32, 4096, 64 * KIB, 2 * MIB};
    for (size_t i = 0; i < SIZES; i++) {
        size_t align = aligns[i % 4];
        void *out = NULL;
        keep(memalign(align, sizes[i]), sizes[i], align);
        keep(aligned_alloc(align, sizes[i]), sizes[i], align);
        errno = posix_memalign(&out, align, sizes[i]);
        keep(out, sizes[i], align);
        keep(valloc(sizes[i]), sizes[i], 4096);
        keep(pvalloc(sizes[i]), sizes[i], 4096);
    }
}

/* A block that does not grow stays as it is. */
static void resize_to(struct block *b, size_t bytes, bool as_array)
{
    size_t common = b->bytes < bytes ? b->bytes : bytes;
    void *before = unknown_mem(b->mem);
    unsigned char *mem =
        as_array ? reallocarray(b->mem, bytes, 1) : realloc(b->mem, bytes);
    judge(mem, bytes);
    if (!mem) {
        b->mem = before;
        EXPECT(is_whole(b));
        return;
    }
    EXPECT(pattern_holds_prefix(mem, common, b->bytes));
    pattern_fill_sparse(mem, bytes, bytes);
    *b = (struct block){mem, bytes};
}

static void ask_growth(void)
{
    size_t step = kept_count / 6 + 1;
    for (size_t i = 0; i < kept_count; i += step)
        for (size_t k = 0; k < SIZES; k++)
            resize_to(&kept[i], sizes[k], i / step % 2 != 0);
}

static void ask_less(void)
{
    for (size_t i = 0; i < kept_count; i++)
        resize_to(&kept[i], kept[i].bytes / 3 + 1, false);
}

static void free_all(void)
{
    free_kept(1);
}

/* Holes everywhere, and then the rest, as a heap that shrinks and grows. */
static void breathe(void)
{
    for (size_t i = 2; i < 5; i++) {
        free_kept(i);
        malloc_trim(0);
        ask_malloc();
    }
    free_kept(1);
    malloc_trim(0);
    ask_many_small();
}

static FILE *nowhere;

static void ask_statistics(void)
{
    EXPECT(mallinfo2().uordblks != 0);
    malloc_info(0, nowhere);
    mallopt(M_ARENA_MAX, 3);
    mallopt(M_MMAP_THRESHOLD, 300000);
    ask_malloc();
}

static void walk(void)
{
    EXPECT(blocks_in_use() >= kept_count);
    ask_malloc();
}

static void use_named_heap(void)
{
    struct chunky_heap *heap = chunky_heap_create("under test", 0);
    judge(heap, 0);
    if (!heap)
        return;
    for (size_t i = 0; i < SIZES; i++) {
        size_t bytes = sizes[i] > MIB ? MIB : sizes[i];
        keep(chunky_heap_malloc(heap, bytes), bytes, LEAST_ALIGN);
        keep(chunky_heap_calloc(heap, bytes, 1), bytes, LEAST_ALIGN);
        keep(chunky_heap_aligned_alloc(heap, 4096, bytes), bytes, 4096);
    }
    for (size_t i = 0; i < kept_count; i++) {
        void *mem = chunky_heap_realloc(heap, kept[i].mem, kept[i].bytes * 2);
        judge(mem, kept[i].bytes * 2);
        if (mem && kept[i].bytes != 0)
            kept[i].mem = mem;
        EXPECT(is_whole(&kept[i]));
        errno = 0;
    }
    free_kept(2);
    EXPECT(chunky_heap_stats(heap).blocks == kept_count);
    kept_count = 0;
    chunky_heap_destroy(heap);
}

/* A thread's first allocation, its frees of blocks of another, and its end. The creation
 * itself is not counted: it may fail. */
static void *be_a_thread(void *from)
{
    start_refusing(*(long *)from, kernel_to);
    ask_everything();
    free_kept(2);
    ask_malloc();
    return NULL;
}

static void use_a_thread(void)
{
    pthread_t thread;
    long from = kernel_from, to = kernel_to;
    refuse_no_more();
    kernel_to = to;
    if (pthread_create(&thread, NULL, be_a_thread, &from) == 0)
        pthread_join(thread, NULL);
    else
        EXPECT(memory_may_run_out());
}

static void fork_and_ask(void)
{
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        alarm(100);
        ask_everything();
        free_kept(1);
        _exit(expect_status());
    }
    EXPECT(child_reaped(pid, "child of a fork"));
    ask_malloc();
}

static const struct scenario {
    const char *name;
    void (*prepare)(void);
    void (*act)(void);
    size_t slack; /* blocks that may stay in use: libc's, for its thread */
} scenarios[] = {
    {"malloc", NULL, ask_malloc, 0},
    {"calloc", NULL, ask_calloc, 0},
    {"calloc of used memory", breathe, ask_calloc, 0},
    {"many small", NULL, ask_many_small, 0},
    {"aligned", NULL, ask_aligned, 0},
    {"realloc, larger", ask_many_small, ask_growth, 0},
    {"realloc, smaller", ask_everything, ask_less, 0},
    {"free", ask_everything, free_all, 0},
    {"trim and grow", ask_everything, breathe, 0},
    {"statistics", ask_everything, ask_statistics, 0},
    {"walk", ask_everything, walk, 0},
    {"named heap", NULL, use_named_heap, 0},
    {"thread", ask_everything, use_a_thread, 2},
    {"fork", ask_everything, fork_and_ask, 0},
};

/* --- one after another ----------------------------------------------------------------- */

/* Everything can be had again, and nothing stayed in use. */
static void all_is_well(size_t in_use_before, size_t slack)
{
    for (size_t i = 0; i < kept_count; i++)
        EXPECT(is_whole(&kept[i]));
    free_kept(1);
    size_t in_use = blocks_in_use();
    EXPECT_F(in_use <= in_use_before + slack, "%zu blocks in use, then %zu",
             in_use_before, in_use);
    for (size_t i = 0; i < SIZES; i++) {
        void *mem = malloc(sizes[i]);
        if (GOT(mem))
            keep(mem, sizes[i], LEAST_ALIGN);
    }
    ask_many_small();
    EXPECT(memory_may_run_out() || kept_count == SIZES + small_ones);
    free_kept(1);
}

static void run_scenario(const struct scenario *s, long from, long to)
{
    expect_reset();
    size_t in_use = blocks_in_use();
    alarm(200);
    if (s->prepare)
        s->prepare();
    start_refusing(from, to);
    s->act();
    found->requests = atomic_load(&kernel_requests);
    found->refused = refuse_no_more();
    all_is_well(in_use, s->slack);
    _exit(expect_status());
}

/* Every one of the first, then one in so many: some settings ask thousands of times. */
static long next_request(long n)
{
    return n + 1 + n / 32;
}

/* Returns the number of the last request that was refused. */
static long each_request(const struct scenario *s, bool ever_after)
{
    long last = 0;
    for (long n = 1; n < MOST; last = n, n = next_request(n)) {
        pid_t pid = fork();
        if (pid == 0)
            run_scenario(s, n, ever_after ? LONG_MAX : n);
        if (!EXPECT(child_reaped(pid, s->name))) {
            EXPECT_SAY("request %ld of \"%s\" refused%s", n, s->name,
                       ever_after ? ", and all behind it" : "");
            return n;
        }
        if (found->refused == 0)
            return last;
    }
    EXPECT_F(false, "%s", "requests without end");
    return MOST;
}

/* Those before main too: the program is started anew for each. */
static long each_request_of_the_start(bool ever_after)
{
    static struct outcome out;
    char number[20];
    long last = 0;
    for (long n = 1; n < MOST; last = n, n = next_request(n)) {
        snprintf(number, sizeof number, "%ld", n);
        setenv("REFUSE_FROM", number, 1);
        bool ran =
            child_again(&out, "started", ever_after ? "REFUSE_ALWAYS" : NULL, "1");
        unsetenv("REFUSE_FROM");
        if (ran && WIFEXITED(out.status) && WEXITSTATUS(out.status) == NOTHING_REFUSED)
            return last;
        if (!EXPECT(ran && child_is_fine(&out))) {
            EXPECT_SAY("request %ld of the start refused: status %#x %s", n,
                       (unsigned)out.status, out.text);
            return n;
        }
    }
    EXPECT_F(false, "%s", "requests without end");
    return MOST;
}

static int started(void)
{
    ask_everything();
    long refused = refuse_no_more();
    all_is_well(SIZE_MAX / 2, 0);
    return refused || expect_status() ? expect_status() : NOTHING_REFUSED;
}

int main(int argc, char **argv)
{
    small_ones = (size_t)scaled(2500, 300);
    if (argc > 1 && !strcmp(argv[1], "started"))
        return started();
    found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    nowhere = fopen("/dev/null", "w");
    REQUIRE(found != MAP_FAILED && nowhere && !setvbuf(nowhere, NULL, _IONBF, 0));
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        const struct scenario *s = &scenarios[i];
        if (argc > 1 && strcmp(argv[1], s->name) != 0)
            continue;
        long one = each_request(s, false);
        long more = each_request(s, true);
        printf("%-22s up to request %4ld; with all behind them %4ld\n", s->name, one,
               more);
        EXPECT(one > 0 && more > 0);
    }
    if (argc == 1)
        printf("%-22s up to request %4ld; with all behind them %4ld\n", "start",
               each_request_of_the_start(false), each_request_of_the_start(true));
    return expect_done();
}
