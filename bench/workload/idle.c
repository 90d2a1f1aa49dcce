/* The test that users file on every allocator: many small blocks and one survivor at
 * the end, all others freed. Prints what is resident at the peak, at once after the
 * frees and after `wait` milliseconds of doing nothing.
 * idle blocks=N size=BYTES wait=MS */
#include "bench.h"

#include <stdio.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    size_t blocks = (size_t)bench_work(&b, bench_param(&b, "blocks", 2000000));
    size_t bytes = (size_t)bench_param(&b, "size", 120);
    uint64_t wait = bench_param(&b, "wait", 0);
    void **table = bench_table(blocks, sizeof *table);
    size_t base = bench_resident();

    for (size_t i = 0; i < blocks; i++) {
        table[i] = block_new(bytes);
        block_fill(table[i], bytes, i);
    }
    void *survivor = block_new(bytes);
    block_fill(survivor, bytes, blocks);
    size_t peak = bench_resident();
    for (size_t i = 0; i < blocks; i++) {
        block_check(table[i], bytes, i);
        block_free(table[i], bytes);
    }
    size_t after = bench_resident();
    const struct timespec pause = {(time_t)(wait / 1000),
                                   (long)(wait % 1000) * 1000000};
    nanosleep(&pause, NULL);
    size_t later = bench_resident();
    block_check(survivor, bytes, blocks);
    printf("peak=%zu after=%zu later=%zu ", peak - base,
           after > base ? after - base : 0, later > base ? later - base : 0);
    block_free(survivor, bytes);
    return bench_close(2 * blocks + 2);
}
