/* Random lifetimes: a table of blocks of 16 bytes to 64 KiB; each step frees one at
 * random and takes another. lifetimes slots=N steps=N threads=N */
#include "bench.h"

struct lifetimes {
    size_t slots;   /* of each thread */
    uint64_t steps; /* of each thread */
    struct slot *table;
};

static void lifetimes_body(unsigned id, void *shared)
{
    const struct lifetimes *l = shared;
    struct slot *table = l->table + id * l->slots;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < l->steps; i++)
        slot_fill(&table[rng_below(&r, l->slots)], rng_size(&r, 4, 16));
    for (size_t i = 0; i < l->slots; i++)
        slot_empty(&table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 3000000));
    struct lifetimes l = {(size_t)bench_param(&b, "slots", 8000) / b.threads,
                          steps / b.threads, NULL};
    l.table = bench_table(l.slots * b.threads, sizeof *l.table);
    bench_run(&b, lifetimes_body, &l);
    return bench_close(2 * l.steps * b.threads);
}
