/* Is memory from calloc zero, whatever it held before and wherever it comes from? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

enum { BLOCKS = 300 };

static void expect_zero(unsigned char *mem, size_t bytes, const char *when)
{
    if (!GOT(mem))
        return;
    size_t at = pattern_not_zero(mem, bytes);
    EXPECT_F(at == bytes, "%s: byte %zu of %zu", when, at, bytes);
}

static void dirty(size_t bytes, int blocks)
{
    static unsigned char *mem[BLOCKS];
    for (int i = 0; i < blocks; i++) {
        mem[i] = malloc(bytes);
        if (GOT(mem[i]))
            memset(mem[i], 0xa5, malloc_usable_size(mem[i]));
    }
    for (int i = 0; i < blocks; i += 2)
        free(mem[i]);
    for (int i = 1; i < blocks; i += 2)
        free(mem[i]);
}

static void after(size_t bytes, int blocks, const char *when)
{
    static unsigned char *mem[BLOCKS];
    for (int i = 0; i < blocks; i++) {
        mem[i] = calloc(1, bytes);
        expect_zero(mem[i], bytes, when);
        if (mem[i])
            memset(mem[i], 0x5a, bytes);
    }
    for (int i = 0; i < blocks; i++)
        free(mem[i]);
}

/* Free memory that was given back reads as zero, its edges do not: calloc must know. */
static void at_edges(void)
{
    struct random r = {3};
    for (long i = scaled(300, 10); i > 0; i--) {
        size_t bytes = 10000 + random_below(&r, 300000);
        dirty(bytes + random_below(&r, 5000), 6);
        if (i % 2)
            malloc_trim(0);
        after(bytes - random_below(&r, 5000), 6, "around trimmed pages");
    }
}

int main(void)
{
    after(24, BLOCKS, "fresh");
    after(100000, 20, "fresh");
    for (size_t bytes = 1; bytes < 40000; bytes = bytes * 2 + 7) {
        dirty(bytes, BLOCKS);
        after(bytes, BLOCKS, "reused");
        dirty(bytes * 3, BLOCKS);
        after(bytes, BLOCKS, "cut from dirty");
        dirty(bytes / 2, BLOCKS);
        after(bytes, BLOCKS, "merged from dirty");
        malloc_trim(0);
        after(bytes * 2, BLOCKS, "trimmed");
    }
    for (size_t bytes = 60000; bytes < 80000000; bytes = bytes * 3 + 5) {
        dirty(bytes, 5);
        after(bytes, 5, "large");
    }
    at_edges();
    return expect_done();
}
