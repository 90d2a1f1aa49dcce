/* What does a loop cost that takes a large buffer, touches all of it and frees it?
 * buffer mib=N loops=N */
#include "bench.h"

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    size_t bytes = (size_t)bench_param(&b, "mib", 100) << 20;
    uint64_t loops = bench_work(&b, bench_param(&b, "loops", 15));

    for (uint64_t i = 0; i < loops; i++) {
        void *mem = block_new(bytes);
        block_fill(mem, bytes, i);
        block_check(mem, bytes, i);
        block_free(mem, bytes);
    }
    return bench_close(2 * loops);
}
