/*
 * mlockall: the kernel refuses to drop locked pages, so freed memory keeps what was written
 * and nothing that assumes otherwise may call it zero.
 */
#include "allocator.h"

#include "support/expect.h"
#include "support/pattern.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

enum { MIB = 1 << 20, MANY = 24000 };

static void *blocks[MANY];

static void dirty_and_free(size_t bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(bytes);
        REQUIRE(blocks[i] != NULL);
        memset(blocks[i], 0xee, bytes);
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

static void zeroes(size_t bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = calloc(bytes / 4, 4);
        REQUIRE(blocks[i] != NULL);
        EXPECT(pattern_not_zero(blocks[i], bytes) == bytes);
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

static size_t count_of(size_t bytes)
{
    size_t count = 24 * (size_t)MIB / bytes;
    return count < MANY ? count : MANY;
}

int main(void)
{
    static const size_t sizes[] = {64, 1024, 40000, 700000, 3 * MIB, 12 * MIB};
    REQUIRE(allocator_is_preloaded());
    if (mlockall(MCL_CURRENT | MCL_FUTURE))
        SKIP("mlockall is not allowed here");
    for (int round = 0; round < 3; round++) {
        for (size_t k = 0; k < 6; k++) {
            size_t other = sizes[(k + 1 + (size_t)round) % 6];
            dirty_and_free(sizes[k], count_of(sizes[k]));
            if (k % 2)
                malloc_trim(0);
            zeroes(sizes[k], count_of(sizes[k]));
            zeroes(other, count_of(other));
        }
        EXPECT(allocator_churn((uint64_t)round, 20000, 20) == 0);
    }
    return expect_done();
}
