/* Aligned allocation: every alignment and size around the edges, and what is refused. */
#include "support/unit.h"

#include "base/bits.h"
#include "chunky.h"
#include "core/mapped.h"
#include "support/os_fake.h"

#include <errno.h>
#include <string.h>

static void aligned_everywhere(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 15, 16, 24, 25, 1000, 4096, 40000, 200000};
    for (size_t align = 1; align <= 1 * MIB; align *= 2) {
        void *mem[10];
        for (unsigned i = 0; i < 10; i++) {
            mem[i] = chunky_aligned_alloc(align, sizes[i]);
            assert_non_null(mem[i]);
            assert_int_equal((uintptr_t)mem[i] & (align - 1), 0);
            assert_int_equal((uintptr_t)mem[i] % 16, 0);
            assert_true(chunky_malloc_usable_size(mem[i]) >= sizes[i]);
            memset(mem[i], 0x31, sizes[i]);
        }
        for (unsigned i = 0; i < 10; i++)
            chunky_free(mem[i]);
    }
}

static void aligned_refuses(void **state)
{
    (void)state;
    errno = 0;
    assert_null(chunky_aligned_alloc(24, 100));
    assert_int_equal(errno, EINVAL);
    assert_null(chunky_aligned_alloc(0, 100));
    void *out = &out;
    errno = EDOM;
    assert_int_equal(chunky_posix_memalign(&out, 4, 100), EINVAL);
    assert_int_equal(chunky_posix_memalign(&out, 24, 100), EINVAL);
    assert_int_equal(chunky_posix_memalign(&out, 0, 100), EINVAL);
    assert_int_equal(chunky_posix_memalign(&out, 64, SIZE_MAX - 64), ENOMEM);
    assert_ptr_equal(out, &out);
    assert_int_equal(errno, EDOM);
    /* memalign rounds up to a power of two. */
    void *mem = chunky_memalign(24, 100);
    assert_int_equal((uintptr_t)mem % 32, 0);
    chunky_free(mem);
}

static void aligned_near_the_end(void **state)
{
    (void)state;
    for (size_t less = 0; less < 200; less += 8) {
        errno = 0;
        assert_null(chunky_memalign(64, SIZE_MAX - less));
        assert_int_equal(errno, ENOMEM);
        assert_null(chunky_memalign((size_t)1 << 62, SIZE_MAX / 2 - less));
        assert_null(chunky_memalign(4096, PTRDIFF_MAX - less));
        assert_null(chunky_pvalloc(SIZE_MAX - less));
        assert_null(chunky_valloc(SIZE_MAX - less));
    }
    assert_null(chunky_memalign((size_t)1 << 63, 1));
    assert_null(chunky_memalign(SIZE_MAX, 1));
}

static void aligned_pages(void **state)
{
    (void)state;
    void *v = chunky_valloc(10), *p = chunky_pvalloc(4097);
    assert_int_equal((uintptr_t)v % 4096, 0);
    assert_int_equal((uintptr_t)p % 4096, 0);
    assert_true(chunky_malloc_usable_size(p) >= 8192);
    chunky_free(v);
    chunky_free(p);
}

static void aligned_without_memory(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 8; n++) {
        os_fake.fail_after = n;
        for (size_t align = 32; align <= 256 * KIB; align *= 8) {
            errno = 0;
            void *mem = chunky_memalign(align, 700000);
            if (mem == NULL)
                assert_int_equal(errno, ENOMEM);
            chunky_free(mem);
        }
        os_fake.fail_after = 0;
    }
    assert_int_equal(mapped.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligned_everywhere),     cmocka_unit_test(aligned_refuses),
        cmocka_unit_test(aligned_near_the_end),   cmocka_unit_test(aligned_pages),
        cmocka_unit_test(aligned_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
