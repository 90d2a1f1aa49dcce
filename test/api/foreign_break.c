/* Does the heap carry on when somebody else moves the break, or when the break cannot
 * move, and leave the others' memory alone? */
#include <sys/mman.h>
#include <unistd.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

enum { BLOCKS = 3000, FOREIGN = 40, PAGE = 4096 };

struct piece {
    unsigned char *mem;
    size_t bytes;
};
static struct piece blocks[BLOCKS];
static struct piece foreign[FOREIGN];

static void move_the_break(size_t i, struct random *r)
{
    size_t bytes = 1 + random_below(r, 50000); /* no multiple of anything */
    void *mem = sbrk((intptr_t)bytes);
    REQUIRE((intptr_t)mem != -1);
    foreign[i] = (struct piece){mem, bytes};
    pattern_fill(mem, 0, bytes, 1000 + i);
}

static void churn(struct random *r)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        struct piece *b = &blocks[random_below(r, BLOCKS)];
        if (b->mem) {
            EXPECT(pattern_differs(b->mem, 0, b->bytes, b->bytes) == b->bytes);
            free(b->mem);
            b->mem = NULL;
        }
        if (random_below(r, 3) == 0)
            continue;
        b->bytes = 1 + random_size(r, 14);
        b->mem = malloc(b->bytes);
        if (GOT(b->mem))
            pattern_fill(b->mem, 0, b->bytes, b->bytes);
    }
}

static void foreign_is_whole(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct piece f = foreign[i];
        EXPECT_F(pattern_differs(f.mem, 0, f.bytes, 1000 + i) == f.bytes,
                 "foreign piece %zu changed", i);
    }
}

/* A wall right above the break: brk is refused from now on. */
static void block_the_break(void)
{
    uintptr_t at = ((uintptr_t)sbrk(0) + PAGE - 1) / PAGE * PAGE;
    void *wall = mmap((void *)at, PAGE, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(wall == (void *)at);
    EXPECT(sbrk(1 << 20) == (void *)-1);
}

int main(void)
{
    struct random r = {8};
    for (size_t i = 0; i < FOREIGN; i++) {
        churn(&r);
        move_the_break(i, &r);
        foreign_is_whole(i + 1);
    }
    block_the_break();
    for (int i = 0; i < 5; i++)
        churn(&r);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i].mem);
    /* More than the main heap ever held. */
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i].mem = malloc(30000);
        if (GOT(blocks[i].mem))
            pattern_fill(blocks[i].mem, 0, 30000, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].mem)
            EXPECT(pattern_differs(blocks[i].mem, 0, 30000, i) == 30000);
        free(blocks[i].mem);
    }
    foreign_is_whole(FOREIGN);
    return expect_done();
}
