/* Hand-over as in Larson and Krishnan's server: each thread replaces blocks in its
 * table at random, then a new thread takes the table over, blocks and all.
 * larson slots=N steps=N generations=N threads=N */
#include "bench.h"

#include <pthread.h>

struct larson {
    size_t slots;
    uint64_t steps; /* of one generation of one table */
    uint64_t generations;
    struct slot *table;
};

struct shift {
    const struct larson *larson;
    struct slot *table;
    struct rng rng;
};

static void *shift_main(void *argument)
{
    struct shift *s = argument;
    for (uint64_t i = 0; i < s->larson->steps; i++)
        slot_fill(&s->table[rng_below(&s->rng, s->larson->slots)],
                  rng_size(&s->rng, 4, 10));
    return NULL;
}

static void larson_body(unsigned id, void *shared)
{
    const struct larson *l = shared;
    struct shift s = {l, l->table + id * l->slots, rng_seed(id)};

    for (uint64_t n = 0; n < l->generations; n++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, shift_main, &s) != 0)
            bench_die("no thread");
        pthread_join(thread, NULL);
    }
    for (size_t i = 0; i < l->slots; i++)
        slot_empty(&s.table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 10000000));
    struct larson l = {(size_t)bench_param(&b, "slots", 1000), 0,
                       bench_param(&b, "generations", 20), NULL};
    l.steps = steps / b.threads / l.generations + 1;
    l.table = bench_table(l.slots * b.threads, sizeof *l.table);
    bench_run(&b, larson_body, &l);
    return bench_close(2 * l.steps * l.generations * b.threads);
}
