/* Blocks of 32 KiB to 4 MiB, all pages touched, at random lifetimes.
 * large slots=N steps=N threads=N */
#include "bench.h"

struct large {
    size_t slots;   /* of each thread */
    uint64_t steps; /* of each thread */
    struct slot *table;
};

static void large_body(unsigned id, void *shared)
{
    const struct large *l = shared;
    struct slot *table = l->table + id * l->slots;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < l->steps; i++)
        slot_fill(&table[rng_below(&r, l->slots)], rng_size(&r, 15, 22));
    for (size_t i = 0; i < l->slots; i++)
        slot_empty(&table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 25000));
    size_t slots = (size_t)bench_param(&b, "slots", 64) / b.threads;
    struct large l = {slots ? slots : 1, steps / b.threads, NULL};
    l.table = bench_table(l.slots * b.threads, sizeof *l.table);
    bench_run(&b, large_body, &l);
    return bench_close(2 * l.steps * b.threads);
}
