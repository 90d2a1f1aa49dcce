/* Do products that overflow fail with ENOMEM, and do those that just fit multiply? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"

static void product_overflows(size_t count, size_t bytes)
{
    errno = 0;
    void *mem = calloc(count, bytes);
    EXPECT_F(!mem && errno == ENOMEM, "calloc(%#zx, %#zx) -> %p", count, bytes, mem);
    free(mem);
    errno = 0;
    mem = reallocarray(NULL, count, bytes);
    EXPECT_F(!mem && errno == ENOMEM, "reallocarray(0, %#zx, %#zx)", count, bytes);
    free(mem);
    unsigned char *kept = malloc(100);
    if (!GOT(kept))
        return;
    pattern_fill(kept, 0, 100, count);
    errno = 0;
    mem = reallocarray(unknown_mem(kept), count, bytes);
    EXPECT_F(!mem && errno == ENOMEM, "reallocarray(p, %#zx, %#zx)", count, bytes);
    EXPECT(pattern_differs(kept, 0, 100, count) == 100);
    free(kept);
}

static void product_fits(size_t count, size_t bytes)
{
    unsigned char *mem = calloc(count, bytes);
    if (GOT(mem)) {
        EXPECT(malloc_usable_size(mem) >= count * bytes);
        EXPECT(pattern_not_zero(mem, count * bytes) == count * bytes);
        pattern_fill(mem, 0, count * bytes, 7);
    }
    unsigned char *more = reallocarray(mem, count * 2, bytes);
    if (GOT(more)) {
        EXPECT(malloc_usable_size(more) >= 2 * count * bytes);
        if (mem)
            EXPECT(pattern_differs(more, 0, count * bytes, 7) == count * bytes);
        mem = more;
    }
    free(mem);
}

int main(void)
{
    for (unsigned bit = 1; bit < 64; bit++) {
        size_t a = (size_t)1 << bit;
        size_t b = (size_t)1 << (64 - bit);
        product_overflows(unknown(a), unknown(b));
        product_overflows(unknown(a + 1), unknown(b));
        product_overflows(unknown(a), unknown(b + 1));
        product_overflows(unknown(SIZE_MAX / a + 1), unknown(a));
        product_overflows(unknown(SIZE_MAX), unknown(a));
        product_overflows(unknown(a), unknown(SIZE_MAX));
    }
    /* Wraps to a small, harmless looking product. */
    product_overflows(unknown(((size_t)1 << 63) + 8), unknown(2));
    product_overflows(unknown(0x5555555555555556), unknown(3));
    product_overflows(unknown((size_t)1 << 32), unknown(((size_t)1 << 32) + 1));

    for (size_t count = 1; count < 3000; count = count * 2 + 1)
        for (size_t bytes = 1; bytes < 3000; bytes = bytes * 3 + 1)
            product_fits(count, bytes);
    return expect_done();
}
