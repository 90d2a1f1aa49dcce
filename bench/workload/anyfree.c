/* Any thread frees what any other took: blocks wait in shared slots; each step puts a
 * new block into a slot and frees the one that was there.
 * anyfree slots=N steps=N threads=N */
#include "bench.h"

struct anyfree {
    size_t slots;
    uint64_t steps; /* of each thread */
    _Atomic(size_t *) *table;
};

static void anyfree_drop(size_t *mem)
{
    if (!mem)
        return;
    size_t bytes = mem[0];
    block_check(mem, bytes, bytes);
    block_free(mem, bytes);
}

static void anyfree_body(unsigned id, void *shared)
{
    const struct anyfree *a = shared;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < a->steps; i++) {
        size_t bytes = rng_size(&r, 4, 10);
        size_t *mem = block_new(bytes);
        block_fill(mem, bytes, bytes);
        anyfree_drop(atomic_exchange(&a->table[rng_below(&r, a->slots)], mem));
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 8000000));
    struct anyfree a = {(size_t)bench_param(&b, "slots", 4096), steps / b.threads,
                        NULL};
    a.table = bench_table(a.slots, sizeof *a.table);
    bench_run(&b, anyfree_body, &a);
    for (size_t i = 0; i < a.slots; i++)
        anyfree_drop(a.table[i]);
    return bench_close(2 * a.steps * b.threads);
}
