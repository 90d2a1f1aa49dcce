/* What do growing vectors cost? `vectors` of them grow side by side by realloc, by a
 * half each time, from 64 bytes to `limit`; then they start anew.
 * vector vectors=N limit=BYTES steps=N threads=N */
#include "bench.h"

struct vector {
    size_t vectors, limit;
    uint64_t steps; /* of each thread */
    struct slot *table;
};

static void vector_body(unsigned id, void *shared)
{
    const struct vector *v = shared;
    struct slot *table = v->table + id * v->vectors;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < v->steps; i++) {
        struct slot *s = &table[rng_below(&r, v->vectors)];
        if (!s->mem || s->bytes > v->limit) {
            slot_fill(s, 64);
            continue;
        }
        size_t grown = s->bytes + s->bytes / 2;
        block_check(s->mem, s->bytes, (uint64_t)(uintptr_t)s);
        s->mem = block_resize(s->mem, s->bytes, grown);
        if (memcmp(s->mem, &s, sizeof s) != 0)
            bench_die("realloc lost the first word");
        s->bytes = grown;
        block_fill(s->mem, grown, (uint64_t)(uintptr_t)s);
    }
    for (size_t i = 0; i < v->vectors; i++)
        slot_empty(&table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 2000000));
    struct vector v = {(size_t)bench_param(&b, "vectors", 1000),
                       (size_t)bench_param(&b, "limit", 8192), steps / b.threads, NULL};
    v.table = bench_table(v.vectors * b.threads, sizeof *v.table);
    bench_run(&b, vector_body, &v);
    return bench_close(v.steps * b.threads);
}
