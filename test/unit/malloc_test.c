/* malloc, calloc and free over a scripted system: where a block comes from, and that a
 * failure of any request for memory is ENOMEM and nothing else. */
#include "support/unit.h"

#include "base/check.h"
#include "chunky.h"
#include "core/mapped.h"
#include "core/take.h"
#include "front/cache.h"
#include "front/malloc.h"
#include "front/options.h"
#include "front/report.h"
#include "support/os_fake.h"
#include "support/random.h"

#include <errno.h>
#include <string.h>

static void malloc_sizes(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 70000; bytes += bytes < 1100 ? 1 : 501) {
        char *mem = chunky_malloc(bytes);
        assert_non_null(mem);
        assert_int_equal((uintptr_t)mem % 16, 0);
        assert_true(chunk_usable(chunk_of(mem)) >= bytes);
        assert_true(chunk_is_live(&heap_keys, chunk_of(mem)));
        memset(mem, 0x5a, bytes);
        chunky_free(mem);
        assert_false(chunk_is_live(&heap_keys, chunk_of(mem)));
    }
    chunky_free(NULL);
}

static void malloc_places(void **state)
{
    (void)state;
    void *small = chunky_malloc(100), *large = chunky_malloc(100000);
    void *huge = chunky_malloc(tune.mmap_threshold);
    assert_true(heap_in_break(small));
    assert_true(heap_in_break(large));
    assert_true(chunk_is_mapped(chunk_of(huge)));
    assert_int_equal(mapped.count, 1);
    chunky_free(small);
    chunky_free(large);
    chunky_free(huge);
    assert_int_equal(mapped.count, 0);
}

/* A block between two large classes comes back without a visit of the arena; a request that
 * it is too small for gets another, whatever its header says. */
static void malloc_large_comes_back(void **state)
{
    (void)state;
    for (size_t bytes = 33000; bytes < 50000; bytes += 13000) {
        void *mem = chunky_malloc(bytes);
        size_t more = chunk_size(chunk_of(mem)) - CHUNK_OVERHEAD + 1;
        chunky_free(mem);
        uint64_t visits = arena_main.counts.visits;
        for (unsigned i = 0; i < 10; i++) {
            void *again = chunky_malloc(bytes - i);
            assert_ptr_equal(again, mem);
            chunky_free(again);
        }
        assert_int_equal(arena_main.counts.visits, visits);
        if (CHUNKY_AUDIT)
            continue; /* its walks find what is forged below */
        uint64_t *word = (uint64_t *)mem - 1, head = *word;
        void *other[17];
        for (unsigned bit = 5; bit < 17; bit++) {
            *word = head ^ 1ULL << bit;
            other[bit] = chunky_malloc(more);
            assert_ptr_not_equal(other[bit], mem);
        }
        *word = head;
        for (unsigned bit = 5; bit < 17; bit++)
            chunky_free(other[bit]);
    }
}

/* What was never a header may pass the check, but no heap holds so much. */
static void malloc_refuses_impossible_sizes(void **state)
{
    (void)state;
    _Alignas(16) uint64_t words[32] = {0};
    struct chunk *c = (struct chunk *)words;
    report_go_on = 1;
    for (unsigned shift = 32; shift < 48; shift++) {
        chunk_set_idle(&heap_keys, c, (size_t)1 << shift, IDLE_OUT | PREV_INUSE);
        chunk_flip(c);
        assert_true(chunk_is_live(&heap_keys, c));
        assert_null(malloc_verify(mem_of(c), "free"));
    }
    report_go_on = 0;
}

/* Zeroes pass for a header once in 65,536, and for the end of a heap, whose check is right:
 * no class takes them, whatever lies before the first stack. */
static void malloc_takes_no_zeroes(void **state)
{
    (void)state;
    static _Alignas(16) uint64_t words[32];
    struct chunk *c = (struct chunk *)words;
    report_go_on = 1;
    for (uint32_t word = 0; word < CHUNK_MIN; word += NON_MAIN_ARENA) {
        if ((word & (IS_MMAPPED | HAS_REQUEST)) != 0)
            continue;
        struct cache before = *(thread_cache() == NULL ? &cache_dummy : thread_cache());
        c->bits = word;
        c->tag = chunk_hash_plain(heap_keys.address, heap_keys.word, mem_of(c), word);
        chunky_free(mem_of(c));
        assert_null(chunky_realloc(mem_of(c), 100));
        chunky_malloc_usable_size(mem_of(c));
        assert_memory_equal(&before,
                            thread_cache() == NULL ? &cache_dummy : thread_cache(),
                            offsetof(struct cache, state));
    }
    report_go_on = 0;
}

/* Once in 65,536 what is no header of Chunky's passes for a small chunk's: with a size beyond
 * the map, it must not go to the class where that leads. */
static void malloc_large_is_never_small(void **state)
{
    (void)state;
    report_go_on = 1;
    for (size_t bytes = 65600; bytes < 131072; bytes += 1600) {
        void *mem = chunky_malloc(bytes);
        assert_non_null(mem);
        struct chunk *c = chunk_of(mem);
        uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
        uint32_t right = c->tag;
        c->tag = chunk_hash_plain(heap_keys.address, heap_keys.word, mem, word);
        chunky_free(mem);
        unsigned class = class_map[word / CHUNK_ALIGN % CLASS_MAP_SIZE] / 2U;
        const struct cache *k = thread_cache();
        assert_true(k == NULL || k->stack[class].top[-1] != mem);
        c->tag = right;
        chunky_free(mem);
    }
    report_go_on = 0;
}

static void malloc_newest_first(void **state)
{
    (void)state;
    void *a = chunky_malloc(200), *b = chunky_malloc(200);
    chunky_free(a);
    chunky_free(b);
    void *again = chunky_malloc(200);
    if (tune.cache_bytes != 0 && !thread_is_slow())
        assert_ptr_equal(again, b);
    chunky_free(again);
}

static void malloc_calloc_is_zero(void **state)
{
    (void)state;
    struct random r = {9};
    char *held[64] = {0};
    for (unsigned round = 0; round < 3000; round++) {
        unsigned i = (unsigned)random_below(&r, 64);
        size_t bytes = random_size(&r, 18);
        chunky_free(held[i]);
        held[i] = chunky_calloc(1, bytes);
        assert_non_null(held[i]);
        for (size_t j = 0; j < bytes; j++)
            assert_int_equal(held[i][j], 0);
        memset(held[i], 0xee, bytes);
        os_fake.clock += 50;
    }
    for (unsigned i = 0; i < 64; i++)
        chunky_free(held[i]);
}

static void malloc_impossible(void **state)
{
    (void)state;
    const size_t bad[] = {SIZE_MAX, SIZE_MAX - 4096, (size_t)PTRDIFF_MAX + 1};
    for (unsigned i = 0; i < 3; i++) {
        errno = 0;
        assert_null(chunky_malloc(bad[i]));
        assert_int_equal(errno, ENOMEM);
        assert_null(chunky_calloc(bad[i], 1));
        assert_null(chunky_calloc(bad[i] / 2 + 1, 3));
    }
}

static void malloc_keeps_errno(void **state)
{
    (void)state;
    static const size_t sizes[] = {10, 5000, 100000, 4 * MIB};
    for (unsigned i = 0; i < 4; i++) {
        errno = EDOM;
        void *mem = chunky_malloc(sizes[i]);
        assert_int_equal(errno, EDOM);
        chunky_free(mem);
        assert_int_equal(errno, EDOM);
    }
}

static size_t malloc_in_use(void)
{
    struct mallinfo2 info = chunky_mallinfo2();
    return info.uordblks;
}

/* Each request for memory fails in turn. */
static void malloc_every_failure(void **state)
{
    (void)state;
    chunky_malloc_trim(0);
    size_t before = malloc_in_use();
    for (unsigned n = 1; n <= 40; n++) {
        void *mem[64];
        os_fake.fail_after = n;
        for (unsigned i = 0; i < 64; i++) {
            size_t bytes = (size_t)1 << (i % 22);
            errno = 0;
            mem[i] = i % 3 == 0 ? chunky_calloc(1, bytes) : chunky_malloc(bytes);
            if (mem[i] == NULL)
                assert_int_equal(errno, ENOMEM);
            else
                memset(mem[i], 0x77, bytes);
        }
        os_fake.fail_after = 0;
        for (unsigned i = 0; i < 64; i++)
            chunky_free(mem[i]);
        chunky_malloc_trim(0);
        /* More heaps have more ends, nothing else. */
        assert_true(malloc_in_use() - before <= 64 * (size_t)FENCE_SIZE);
    }
}

/* And none succeeds any more: what there is can still be used and freed. */
static void malloc_exhausted(void **state)
{
    (void)state;
    static void *mem[20000];
    size_t before = malloc_in_use();
    unsigned count = 0;
    os_fake.fail_for_ever = true;
    os_fake.fail_after = 1;
    while (count < 20000 && (mem[count] = chunky_malloc(3000)) != NULL)
        count++;
    assert_true(count < 20000);
    assert_int_equal(errno, ENOMEM);
    assert_null(chunky_malloc(8 * MIB));
    for (unsigned i = 0; i < count; i++)
        chunky_free(mem[i]);
    os_fake.fail_for_ever = false;
    os_fake.fail_after = 0;
    void *again = chunky_malloc(3000);
    assert_non_null(again);
    chunky_free(again);
    assert_true(malloc_in_use() - before <= 64 * (size_t)FENCE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malloc_sizes),
        cmocka_unit_test(malloc_places),
        cmocka_unit_test(malloc_large_comes_back),
        cmocka_unit_test(malloc_refuses_impossible_sizes),
        cmocka_unit_test(malloc_takes_no_zeroes),
        cmocka_unit_test(malloc_large_is_never_small),
        cmocka_unit_test(malloc_newest_first),
        cmocka_unit_test(malloc_calloc_is_zero),
        cmocka_unit_test(malloc_impossible),
        cmocka_unit_test(malloc_keeps_errno),
        cmocka_unit_test(malloc_every_failure),
        cmocka_unit_test(malloc_exhausted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
