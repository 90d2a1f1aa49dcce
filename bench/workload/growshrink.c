/* A mix that grows, shrinks to a tenth (the survivors at random) and grows again with
 * other sizes: does the freed memory serve the new ones, or go back?
 * growshrink blocks=N rounds=N threads=N */
#include "bench.h"

struct growshrink {
    size_t blocks; /* of each thread, at the peak */
    uint64_t rounds;
    struct slot *table;
};

static void growshrink_body(unsigned id, void *shared)
{
    const struct growshrink *g = shared;
    struct slot *table = g->table + id * g->blocks;
    struct rng r = rng_seed(id);

    for (uint64_t round = 0; round < g->rounds; round++) {
        unsigned low = 4 + (unsigned)(round % 3);
        for (size_t i = 0; i < g->blocks; i++)
            if (!table[i].mem)
                slot_fill(&table[i], rng_size(&r, low, low + 6));
        for (size_t i = 0; i < g->blocks; i++)
            if (rng_below(&r, 10) != 0)
                slot_empty(&table[i]);
    }
    for (size_t i = 0; i < g->blocks; i++)
        slot_empty(&table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    size_t blocks = (size_t)bench_work(&b, bench_param(&b, "blocks", 300000));
    struct growshrink g = {blocks / b.threads, bench_param(&b, "rounds", 9), NULL};
    g.table = bench_table(g.blocks * b.threads, sizeof *g.table);
    bench_run(&b, growshrink_body, &g);
    return bench_close(2 * g.blocks * g.rounds * b.threads);
}
