/* What was never touched of a large block costs nothing when it is freed: not at level 2
 * either, which clears what is freed. */
#include "api/names.h"
#include "support/expect.h"
#include "support/proc.h"

enum { ROUNDS = 40, MIB = 1 << 20, ROOM = 6 * MIB };

static void take_and_free(size_t bytes)
{
    for (int i = 0; i < ROUNDS; i++) {
        volatile unsigned char *mem = malloc(bytes);
        if (!GOT((void *)mem))
            return;
        mem[0] = mem[bytes / 2] = mem[bytes - 1] = 1;
        free((void *)mem);
    }
}

int main(void)
{
    static const size_t sizes[] = {MIB - 20, 3 * MIB / 2, 3 * MIB, 8 * MIB, 28 * MIB};
    take_and_free(100);
    if (!proc_peak_reset())
        SKIP("the kernel does not let the peak start anew");
    size_t before = proc_peak();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        take_and_free(sizes[i]);
    size_t more = proc_peak() - before;
    EXPECT_F(more < ROOM, "%zu bytes became resident", more);
    return expect_done();
}
