/* What do aligned blocks cost, among ordinary ones? Alignments of 16 to 4,096 bytes.
 * aligned steps=N threads=N */
#include "bench.h"

enum { SLOTS = 512 };

struct aligned {
    uint64_t steps; /* of each thread */
    struct slot *table;
};

static void aligned_body(unsigned id, void *shared)
{
    const struct aligned *a = shared;
    struct slot *table = a->table + (size_t)id * SLOTS;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < a->steps; i++) {
        struct slot *s = &table[rng_below(&r, SLOTS)];
        slot_empty(s);
        s->bytes = rng_size(&r, 5, 12);
        size_t alignment = (size_t)16 << rng_below(&r, 9);
        if (posix_memalign(&s->mem, alignment, s->bytes) != 0)
            bench_die("posix_memalign failed");
        if ((uintptr_t)s->mem % alignment)
            bench_die("a block is not aligned");
        live_add((int64_t)s->bytes);
        block_fill(s->mem, s->bytes, (uint64_t)(uintptr_t)s);
    }
    for (size_t i = 0; i < SLOTS; i++)
        slot_empty(&table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 3000000));
    struct aligned a = {steps / b.threads, NULL};
    a.table = bench_table((size_t)b.threads * SLOTS, sizeof *a.table);
    bench_run(&b, aligned_body, &a);
    return bench_close(2 * a.steps * b.threads);
}
