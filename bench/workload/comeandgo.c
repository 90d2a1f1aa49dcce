/* Threads that come and go: each takes some blocks, frees half of them and ends; the
 * thread that started it frees the rest. comeandgo starts=N blocks=N threads=N */
#include "bench.h"

#include <pthread.h>

enum { BLOCKS_MAX = 4096 };

struct comeandgo {
    uint64_t starts; /* of each starter */
    size_t blocks;
    struct slot *table;
};

struct visit {
    struct slot *table;
    size_t blocks;
    struct rng rng;
};

static void *visit_main(void *argument)
{
    struct visit *v = argument;
    for (size_t i = 0; i < v->blocks; i++)
        slot_fill(&v->table[i], rng_size(&v->rng, 4, 11));
    for (size_t i = 0; i < v->blocks; i += 2)
        slot_empty(&v->table[i]);
    return NULL;
}

static void comeandgo_body(unsigned id, void *shared)
{
    const struct comeandgo *c = shared;
    struct visit v = {c->table + (size_t)id * c->blocks, c->blocks, rng_seed(id)};

    for (uint64_t n = 0; n < c->starts; n++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, visit_main, &v) != 0)
            bench_die("no thread");
        pthread_join(thread, NULL);
        for (size_t i = 0; i < c->blocks; i++)
            slot_empty(&v.table[i]);
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t starts = bench_work(&b, bench_param(&b, "starts", 8000));
    struct comeandgo c = {starts / b.threads + 1,
                          (size_t)bench_param(&b, "blocks", 400), NULL};
    if (c.blocks > BLOCKS_MAX)
        bench_die("blocks=1..4096");
    c.table = bench_table(c.blocks * b.threads, sizeof *c.table);
    bench_run(&b, comeandgo_body, &c);
    return bench_close(2 * c.starts * c.blocks * b.threads);
}
