/* How long does a pair of malloc and free of one size take when the block is at hand?
 * tight size=BYTES pairs=N threads=N */
#include "bench.h"

struct tight {
    size_t bytes;
    uint64_t pairs; /* of each thread */
};

static void tight_body(unsigned id, void *shared)
{
    const struct tight *t = shared;
    for (uint64_t i = 0; i < t->pairs; i++) {
        uint64_t tag = i + id;
        void *mem = block_new(t->bytes);
        block_fill(mem, sizeof tag, tag);
        block_check(mem, sizeof tag, tag);
        block_free(mem, t->bytes);
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t pairs = bench_work(&b, bench_param(&b, "pairs", 20000000));
    struct tight t = {(size_t)bench_param(&b, "size", 64), pairs / b.threads};
    bench_run(&b, tight_body, &t);
    return bench_close(2 * t.pairs * b.threads);
}
