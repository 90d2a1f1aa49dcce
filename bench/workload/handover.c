/* Producers and consumers in pairs: one thread only takes blocks, the other only
 * frees them, a bounded lane of batches between. handover blocks=N threads=N (even) */
#include "bench.h"

#include <pthread.h>

enum { LANE = 8, BATCH = 64 };

struct lane {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned head, count;
    struct slot slots[LANE][BATCH]; /* slot addresses are the blocks' tags */
};

struct handover {
    uint64_t batches; /* of each pair */
    struct lane *lanes;
};

static void lane_wait(struct lane *l, unsigned unwanted)
{
    pthread_mutex_lock(&l->lock);
    while (l->count == unwanted)
        pthread_cond_wait(&l->moved, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

static void lane_step(struct lane *l, bool produced)
{
    pthread_mutex_lock(&l->lock);
    if (produced) {
        l->count++;
    } else {
        l->head = (l->head + 1) % LANE;
        l->count--;
    }
    pthread_cond_signal(&l->moved);
    pthread_mutex_unlock(&l->lock);
}

static void handover_body(unsigned id, void *shared)
{
    const struct handover *h = shared;
    struct lane *l = &h->lanes[id / 2];
    bool produces = id % 2 == 0;
    struct rng r = rng_seed(id);

    for (uint64_t n = 0; n < h->batches; n++) {
        struct slot *batch = l->slots[n % LANE];
        lane_wait(l, produces ? LANE : 0);
        for (size_t i = 0; i < BATCH; i++) {
            if (produces)
                slot_fill(&batch[i], rng_size(&r, 4, 10));
            else
                slot_empty(&batch[i]);
        }
        lane_step(l, produces);
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    b.threads = b.threads < 2 ? 2 : b.threads & ~1u;
    uint64_t blocks = bench_work(&b, bench_param(&b, "blocks", 6000000));
    struct handover h = {blocks / BATCH / (b.threads / 2), NULL};
    h.lanes = bench_table(b.threads / 2, sizeof *h.lanes);
    for (unsigned i = 0; i < b.threads / 2; i++) {
        pthread_mutex_init(&h.lanes[i].lock, NULL);
        pthread_cond_init(&h.lanes[i].moved, NULL);
    }
    bench_run(&b, handover_body, &h);
    return bench_close(2 * h.batches * BATCH * (b.threads / 2));
}
