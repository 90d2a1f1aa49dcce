/* What does it cost to take `count` blocks and then free them all, in order (0), in
 * reverse (1) or shuffled (2)? Each batch has one size; the size moves on from batch
 * to batch. batch count=N order=0..2 blocks=N threads=N */
#include "bench.h"

enum { COUNT_MAX = 1600, SIZES = 8 };
enum order { IN_ORDER, REVERSED, SHUFFLED };

static const size_t sizes[SIZES] = {24, 64, 200, 32, 480, 96, 1000, 48};

struct batch {
    size_t count;
    enum order order;
    uint64_t batches;             /* of each thread */
    uint16_t permuted[COUNT_MAX]; /* the shuffled order, the same for all */
};

static void batch_body(unsigned id, void *shared)
{
    const struct batch *s = shared;
    void *blocks[COUNT_MAX];

    for (uint64_t n = 0; n < s->batches; n++) {
        size_t bytes = sizes[(n + id) % SIZES];
        for (size_t i = 0; i < s->count; i++) {
            blocks[i] = block_new(bytes);
            block_fill(blocks[i], bytes, n + i);
        }
        for (size_t i = 0; i < s->count; i++) {
            size_t at = s->order == IN_ORDER   ? i
                        : s->order == REVERSED ? s->count - 1 - i
                                               : s->permuted[i];
            block_check(blocks[at], bytes, n + at);
            block_free(blocks[at], bytes);
        }
    }
}

static void batch_permute(struct batch *s)
{
    struct rng r = rng_seed(7);
    for (size_t i = 0; i < s->count; i++) {
        size_t j = rng_below(&r, i + 1);
        s->permuted[i] = s->permuted[j];
        s->permuted[j] = (uint16_t)i;
    }
}

int main(int argc, char **argv)
{
    static struct batch s;
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t blocks = bench_work(&b, bench_param(&b, "blocks", 10000000));
    s.count = (size_t)bench_param(&b, "count", 100);
    if (s.count == 0 || s.count > COUNT_MAX)
        bench_die("count=1..1600");
    s.order = (enum order)bench_param(&b, "order", IN_ORDER);
    s.batches = blocks / s.count / b.threads;
    batch_permute(&s);
    bench_run(&b, batch_body, &s);
    return bench_close(2 * s.batches * s.count * b.threads);
}
