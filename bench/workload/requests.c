/* A server: each request takes some tens of blocks and frees them when it ends, and
 * leaves something in a cache that lives longer, where the oldest goes.
 * requests requests=N cache=N threads=N */
#include "bench.h"

enum { BLOCKS_MAX = 64 };

struct requests {
    uint64_t requests; /* of each thread */
    size_t cache;      /* entries of each thread */
    struct slot *table;
};

static void request_serve(struct rng *r, struct slot *kept)
{
    struct slot blocks[BLOCKS_MAX] = {{0}};
    size_t count = 16 + rng_below(r, BLOCKS_MAX - 16);

    slot_fill(&blocks[0], 4096 + rng_below(r, 12288)); /* the input buffer */
    for (size_t i = 1; i < count; i++)
        slot_fill(&blocks[i], i % 8 ? 16 + rng_below(r, 240) : rng_size(r, 8, 13));
    slot_fill(kept, rng_size(r, 6, 12));
    for (size_t i = count; i-- > 0;)
        slot_empty(&blocks[i]);
}

static void requests_body(unsigned id, void *shared)
{
    const struct requests *q = shared;
    struct slot *cache = q->table + id * q->cache;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < q->requests; i++)
        request_serve(&r, &cache[i % q->cache]);
    for (size_t i = 0; i < q->cache; i++)
        slot_empty(&cache[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t requests = bench_work(&b, bench_param(&b, "requests", 250000));
    struct requests q = {requests / b.threads,
                         (size_t)bench_param(&b, "cache", 16000) / b.threads, NULL};
    q.table = bench_table(q.cache * b.threads, sizeof *q.table);
    bench_run(&b, requests_body, &q);
    return bench_close(82 * q.requests * b.threads); /* 40 blocks and one kept */
}
