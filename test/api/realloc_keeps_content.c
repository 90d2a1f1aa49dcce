/* Do the contents survive every way of growing and shrinking: in place, by copying, by
 * remapping, from and to each kind of block, and a failure? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

enum { BLOCKS = 40 };

struct block {
    unsigned char *mem;
    size_t bytes;
    uint64_t seed;
};

static void block_resize(struct block *b, size_t bytes)
{
    unsigned char *mem = realloc(b->mem, bytes);
    if (!GOT(mem)) {
        EXPECT(!b->mem || pattern_holds_sparse(b->mem, b->bytes, b->seed));
        return;
    }
    size_t common = bytes < b->bytes ? bytes : b->bytes;
    EXPECT_F(pattern_holds_prefix(mem, common, b->seed), "%zu -> %zu", b->bytes, bytes);
    if (bytes >= b->bytes)
        EXPECT_F(pattern_holds_sparse(mem, b->bytes, b->seed), "tail, %zu -> %zu",
                 b->bytes, bytes);
    EXPECT(is_aligned(mem, LEAST_ALIGN));
    EXPECT(malloc_usable_size(mem) >= bytes);
    b->mem = mem;
    b->bytes = bytes;
    pattern_fill_sparse(mem, bytes, b->seed);
}

static void grow_and_shrink_by(double factor, size_t most)
{
    struct block b = {NULL, 0, 11};
    struct block wall = {NULL, 0, 12};
    size_t n = 1;
    for (; n < most; n = (size_t)((double)n * factor) + 1) {
        block_resize(&b, n);
        if (n % 3 == 0)
            block_resize(&wall, n / 2 + 1); /* often right behind b */
    }
    for (; n > 1; n = (size_t)((double)n / factor))
        block_resize(&b, n);
    free(b.mem);
    free(wall.mem);
}

static void every_step(void)
{
    struct block b = {NULL, 0, 21};
    size_t step = (size_t)(100 / scaled(100, 2));
    for (size_t n = 1; n < 3000; n += step)
        block_resize(&b, n);
    for (size_t n = 3000; n > step; n -= step)
        block_resize(&b, n);
    free(b.mem);
}

static void among_others(void)
{
    static struct block blocks[BLOCKS];
    struct random r = {5};
    long rounds = scaled(20000, 1000);
    for (long i = 0; i < rounds; i++) {
        struct block *b = &blocks[random_below(&r, BLOCKS)];
        if (random_below(&r, 8) == 0) {
            free(b->mem);
            *b = (struct block){NULL, 0, random_next(&r)};
        }
        block_resize(b, random_size(&r, 21) + 1);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i].mem);
}

int main(void)
{
    size_t most = UNDER_SANITIZER ? (size_t)1 << 26 : (size_t)1 << 29;
    grow_and_shrink_by(2.0, most);
    grow_and_shrink_by(1.5, most / 4);
    grow_and_shrink_by(1.07, most / 16);
    every_step();
    among_others();
    return expect_done();
}
