/* A tight loop over mixed sizes, as libc's own benchmark has it: a working set of
 * blocks, each step frees one and takes another, small sizes by far the most common.
 * mixed slots=N steps=N threads=N */
#include "bench.h"

struct mixed {
    size_t slots;   /* of each thread */
    uint64_t steps; /* of each thread */
    struct slot *table;
};

/* P(size) falls with its square: 8 to 4,096 bytes, median about 16. */
static size_t mixed_size(struct rng *r)
{
    uint64_t x = rng_next(r) & 0xffff;
    size_t size = (size_t)(8 * 65536 / (x + 128));
    return size < 8 ? 8 : size;
}

static void mixed_body(unsigned id, void *shared)
{
    const struct mixed *m = shared;
    struct slot *table = m->table + id * m->slots;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < m->steps; i++)
        slot_fill(&table[rng_below(&r, m->slots)], mixed_size(&r));
    for (size_t i = 0; i < m->slots; i++)
        slot_empty(&table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 12000000));
    struct mixed m = {(size_t)bench_param(&b, "slots", 400), steps / b.threads, NULL};
    m.table = bench_table(m.slots * b.threads, sizeof *m.table);
    bench_run(&b, mixed_body, &m);
    return bench_close(2 * m.steps * b.threads);
}
