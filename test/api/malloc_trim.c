/* Does malloc_trim give free memory back, tell 1 when it did and 0 when there was none,
 * and leave what is live alone? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/proc.h"

enum { BYTES = 1000, BLOCKS = 60000, KEPT_EVERY = 200, MIB = 1 << 20 };

static unsigned char *mem[BLOCKS];
static size_t blocks;

static void fill(void)
{
    for (size_t i = 0; i < blocks; i++)
        if (GOT(mem[i] = malloc(BYTES)))
            pattern_fill(mem[i], 0, BYTES, i);
}

static void free_but_every(size_t kept)
{
    for (size_t i = 0; i < blocks; i++) {
        if (i % kept == 0)
            continue;
        free(mem[i]);
        mem[i] = NULL;
    }
}

static void kept_are_whole(void)
{
    for (size_t i = 0; i < blocks; i++)
        if (mem[i])
            EXPECT(pattern_differs(mem[i], 0, BYTES, i) == BYTES);
}

int main(void)
{
    blocks = (size_t)scaled(BLOCKS, 3000);
    malloc_trim(0);
    size_t before = proc_resident();
    fill();
    free_but_every(KEPT_EVERY);
    /* Much may have gone back already; what is left goes now. */
    malloc_trim(0);
    size_t after = proc_resident();
    /* One page and a bit is pinned by each block that was kept. */
    size_t most = before + blocks / KEPT_EVERY * 8192 + 2 * MIB;
    EXPECT_F(after < most, "resident before %zu, after %zu", before, after);
    kept_are_whole();
    fill(); /* the kept ones are lost on purpose: they pin pages to the end */

    for (size_t i = 0; i < blocks; i++)
        free(mem[i]);
    size_t full = proc_resident();
    /* A few MiB of free pages may stay by themselves; trim returns them, then no more. */
    for (int i = 0; i < 2000; i++)
        if (GOT(mem[i] = malloc(BYTES)))
            memset(mem[i], 1, BYTES);
    for (int i = 0; i < 2000; i++)
        free(mem[i]);
    int gave = malloc_trim(0);
    size_t least = proc_resident();
    EXPECT_F(gave == 1, "resident was %zu, is %zu", full, least);
    EXPECT(least <= full);
    if (UNDER_CHUNKY)
        EXPECT_F(malloc_trim(0) == 0, "nothing was left to give back");
    return expect_done();
}
