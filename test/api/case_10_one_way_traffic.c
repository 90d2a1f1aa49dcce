/* Acceptance case 10: producers that never free and consumers that never allocate. Is
 * memory bounded by what is in flight, however much has passed? */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/proc.h"
#include "support/random.h"

enum { MIB = 1 << 20, PAIRS = 2, SLOTS = 4096, PASSED = 600000 };

struct message {
    size_t bytes;
    uint64_t seed;
};

/* A ring with one writer and one reader. */
struct ring {
    _Atomic size_t head;
    _Atomic size_t tail;
    struct message *slots[SLOTS];
};
static struct ring rings[PAIRS];
static size_t passed;
static unsigned size_bits;

static void *produce(void *data)
{
    struct ring *ring = data;
    struct random r = {(uint64_t)(uintptr_t)ring};
    for (size_t i = 0; i < passed; i++) {
        while (i - atomic_load_explicit(&ring->tail, memory_order_acquire) >= SLOTS)
            sched_yield();
        size_t bytes = sizeof(struct message) + random_size(&r, size_bits);
        struct message *m = malloc(bytes);
        if (GOT(m)) {
            pattern_fill_sparse(m, bytes, i);
            *m = (struct message){bytes, i};
        }
        ring->slots[i % SLOTS] = m;
        atomic_store_explicit(&ring->head, i + 1, memory_order_release);
    }
    return NULL;
}

static void *consume(void *data)
{
    struct ring *ring = data;
    for (size_t i = 0; i < passed; i++) {
        while (atomic_load_explicit(&ring->head, memory_order_acquire) <= i)
            sched_yield();
        struct message *m = ring->slots[i % SLOTS];
        if (m) {
            size_t from = sizeof *m, end = m->bytes < from + 8 ? m->bytes : from + 8;
            EXPECT(m->seed == i && pattern_differs(m, from, end, i) == end);
        }
        free(m);
        atomic_store_explicit(&ring->tail, i + 1, memory_order_release);
    }
    return NULL;
}

/* Most that the full rings can hold, on average sizes, with half of it for spread. */
static size_t in_flight(void)
{
    struct random r = {1};
    size_t sum = 0;
    for (int i = 0; i < SLOTS; i++)
        sum += random_size(&r, size_bits);
    return (size_t)PAIRS * (sum + sum / 2);
}

static void pass(unsigned bits, size_t count)
{
    pthread_t threads[2 * PAIRS];
    size_bits = bits;
    passed = count;
    size_t before = proc_resident();
    int reset = proc_peak_reset();
    for (int i = 0; i < PAIRS; i++) {
        atomic_store(&rings[i].head, 0);
        atomic_store(&rings[i].tail, 0);
        REQUIRE(!pthread_create(&threads[2 * i], NULL, produce, &rings[i]));
        REQUIRE(!pthread_create(&threads[2 * i + 1], NULL, consume, &rings[i]));
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        pthread_join(threads[i], NULL);
    size_t grown = proc_peak() - before;
    /* Twice over for what sits in caches and between them, and some MiB to begin with. */
    size_t most = 2 * in_flight() + 8 * MIB;
    printf("up to %u bytes: in flight at most %zu KiB, peak %zu KiB above the start\n",
           1u << bits, in_flight() >> 10, grown >> 10);
#ifdef CHUNKY_HARD_NOCACHE
    reset = 0; /* a magazine for each block: metadata outweighs small blocks */
#endif
    if (reset && !UNDER_SANITIZER)
        EXPECT_F(grown <= most, "%zu KiB over", (grown - most) >> 10);
}

int main(void)
{
    pass(8, (size_t)scaled(PASSED * 4, 5000));
    pass(12, (size_t)scaled(PASSED * 2, 5000));
    pass(16, (size_t)scaled(PASSED, 5000));
    return expect_done();
}
