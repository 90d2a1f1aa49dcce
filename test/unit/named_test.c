/* Named heaps over the scripted system: with pages of 4, 16 and 64 KiB, without memory at
 * every point, and gone without a trace. */
#include "support/unit.h"

#include "front/named.h"

#include "audit/root.h"
#include "chunky.h"
#include "core/limit.h"
#include "front/options.h"
#include "support/os_fake.h"
#include "support/random.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD = 60 };

static void named_holds(void **state)
{
    (void)state;
    struct random r = {11};
    struct {
        unsigned char *mem;
        size_t bytes;
    } held[HELD] = {{0}};
    struct chunky_heap *h = chunky_heap_create("unit", 0);
    assert_non_null(h);
    for (unsigned round = 0; round < 8000; round++) {
        unsigned i = (unsigned)random_below(&r, HELD);
        size_t bytes = random_size(&r, round % 40 == 0 ? 21 : 13);
        for (size_t at = 0; at < held[i].bytes; at += 97)
            assert_int_equal(held[i].mem[at], i);
        if (round % 3 == 0) {
            chunky_heap_free(h, held[i].mem);
            held[i].mem = chunky_heap_aligned_alloc(h, 16U << (round % 10), bytes);
        } else {
            held[i].mem = chunky_heap_realloc(h, held[i].mem, bytes + 1);
        }
        assert_non_null(held[i].mem);
        assert_ptr_equal(chunky_heap_of(held[i].mem), h);
        held[i].bytes = bytes;
        memset(held[i].mem, (int)i, bytes);
    }
    size_t used = limits.used;
    assert_true(chunky_heap_stats(h).heap + chunky_heap_stats(h).used > 0);
    chunky_heap_destroy(h);
    assert_true(limits.used < used);
}

/* The n-th request of the system fails, for each n: NULL and ENOMEM, and all is well. */
static void named_without_memory(void **state)
{
    (void)state;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        failed = false;
        os_fake.fail_after = n;
        struct chunky_heap *h = chunky_heap_create("poor", 0);
        for (unsigned i = 0; h != NULL && i < 300; i++) {
            errno = 0;
            void *mem = chunky_heap_malloc(h, 100 + i * i * 20);
            if (mem != NULL)
                continue;
            assert_int_equal(errno, ENOMEM);
            failed = true;
        }
        failed |= h == NULL || os_fake.fail_after == 0;
        os_fake.fail_after = 0;
        void *later = h == NULL ? NULL : chunky_heap_malloc(h, 5000);
        if (h != NULL)
            assert_non_null(later);
        chunky_heap_destroy(h);
        assert_true(n < 2000);
    }
}

/* One arena serves heap after heap, and no thread. */
static void named_arena_is_apart(void **state)
{
    (void)state;
    struct chunky_heap *a = chunky_heap_create("a", 0);
    chunky_heap_destroy(a);
    struct chunky_heap *b = chunky_heap_create("b", 0);
    assert_ptr_equal(a, b);
    assert_string_equal(chunky_heap_name(b), "b");
    for (unsigned i = 0; i < 2000; i++)
        assert_null(chunky_heap_of(chunky_malloc(i * 10)));
    assert_false(arena_is_shared((struct arena *)(void *)b));
    assert_int_equal(chunky_heap_stats(b).blocks, 0);
    chunky_heap_destroy(b);
}

static void named_limit(void **state)
{
    (void)state;
    struct chunky_heap *h = chunky_heap_create("limited", 100000);
    void *mem = chunky_heap_malloc(h, 50000);
    assert_non_null(mem);
    assert_null(chunky_heap_malloc(h, 60000));
    assert_null(chunky_heap_realloc(h, mem, 120000));
    mem = chunky_heap_realloc(h, mem, 90000);
    assert_non_null(mem);
    chunky_free(mem);
    assert_int_equal(chunky_heap_stats(h).used, 0);
    assert_non_null(chunky_heap_malloc(h, 90000));
    chunky_heap_destroy(h);
}

static int named_group(size_t page)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_holds),
        cmocka_unit_test(named_without_memory),
        cmocka_unit_test(named_arena_is_apart),
        cmocka_unit_test(named_limit),
    };
    os_fake.page = page;
    root_init(page); /* the process started before main, with another size */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    static const size_t pages[] = {4096, 16384, 65536};
    int bad = 0;
    for (unsigned i = 0; i < 3; i++) {
        pid_t child = fork(); /* each page size wants a heap with no other page in it */
        if (child == 0)
            _exit(named_group(pages[i]));
        int status = 1;
        waitpid(child, &status, 0);
        bad |= status != 0;
    }
    return bad;
}
