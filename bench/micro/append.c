/* What does one buffer cost that grows by a fixed step, as a reader of a pipe or a
 * string builder does, while small blocks are taken beside it?
 * append step=BYTES mib=N buffers=N */
#include "bench.h"

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    size_t step = (size_t)bench_param(&b, "step", 4096);
    size_t limit = (size_t)bench_param(&b, "mib", 16) << 20;
    uint64_t buffers = bench_work(&b, bench_param(&b, "buffers", 40));
    uint64_t ops = 0;
    void *beside[64] = {0};

    for (uint64_t n = 0; n < buffers; n++) {
        size_t bytes = step;
        unsigned char *mem = block_new(bytes);
        memset(mem, (int)(n & 0xff), bytes);
        while (bytes < limit) {
            size_t grown = bytes + step;
            mem = block_resize(mem, bytes, grown);
            memset(mem + bytes, (int)(n & 0xff), step);
            bytes = grown;
            void **small = &beside[ops++ % 64];
            if (*small)
                block_free(*small, 100);
            *small = block_new(100);
        }
        for (size_t at = 0; at < bytes; at += step)
            if (mem[at] != (unsigned char)n)
                bench_die("realloc lost bytes");
        block_free(mem, bytes);
    }
    for (size_t i = 0; i < 64; i++)
        if (beside[i])
            block_free(beside[i], 100);
    return bench_close(ops * 3);
}
