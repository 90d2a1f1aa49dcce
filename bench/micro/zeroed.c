/* What does calloc cost, and are its bytes zero? Small blocks that were used before,
 * and now and then a large one, that may come zeroed from the kernel.
 * zeroed steps=N threads=N */
#include "bench.h"

enum { SLOTS = 256, LARGE_EVERY = 512, LARGE = 256 << 10 };

struct zeroed {
    uint64_t steps; /* of each thread */
    struct slot *table;
};

static void zeroed_check(const unsigned char *mem, size_t bytes)
{
    size_t step = bytes > 4096 ? 509 : 1;
    unsigned char any = mem[bytes - 1];
    for (size_t at = 0; at < bytes; at += step)
        any |= mem[at];
    if (any)
        bench_die("calloc's block is not zero");
}

static void zeroed_body(unsigned id, void *shared)
{
    const struct zeroed *z = shared;
    struct slot *table = z->table + (size_t)id * SLOTS;
    struct rng r = rng_seed(id);

    for (uint64_t i = 0; i < z->steps; i++) {
        struct slot *s = &table[rng_below(&r, SLOTS)];
        slot_empty(s);
        s->bytes = i % LARGE_EVERY ? rng_size(&r, 4, 11) : LARGE;
        s->mem = calloc(s->bytes / 8 + 1, 8);
        if (!s->mem)
            bench_die("calloc returned NULL");
        live_add((int64_t)s->bytes);
        zeroed_check(s->mem, s->bytes);
        memset(s->mem, 0xff, s->bytes > 4096 ? 4096 : s->bytes);
        block_fill(s->mem, s->bytes, (uint64_t)(uintptr_t)s);
    }
    for (size_t i = 0; i < SLOTS; i++)
        slot_empty(&table[i]);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 1500000));
    struct zeroed z = {steps / b.threads, NULL};
    z.table = bench_table((size_t)b.threads * SLOTS, sizeof *z.table);
    bench_run(&b, zeroed_body, &z);
    return bench_close(2 * z.steps * b.threads);
}
