/* What every workload shares: parameters, a fixed random sequence, blocks that are
 * filled and checked, threads, and the line of figures at the end.
 * Built twice: as it is, and with BENCH_SAMPLE=1, where live bytes are counted and a
 * sampler holds them against the resident memory. Method: docs/performance.md. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef BENCH_SAMPLE
#define BENCH_SAMPLE 0
#endif

enum { BENCH_THREADS_MAX = 256, FILL_STRIDE = 1024 };

struct bench {
    int argc;         /* the command line: name=value words */
    char **argv;      /* borrowed from main */
    unsigned threads; /* threads=N, default 1 */
    unsigned percent; /* scale=P: share of the full work, default 100 */
};

struct rng {
    uint64_t state; /* never 0 */
};

typedef void bench_body(unsigned id, void *shared); /* one thread's work */

void bench_open(struct bench *b, int argc, char **argv);
/* The value of the word name=N, or otherwise. */
uint64_t bench_param(const struct bench *b, const char *name, uint64_t otherwise);
/* `full` scaled by scale=P, at least 1. */
uint64_t bench_work(const struct bench *b, uint64_t full);
/* Runs body in b->threads threads, or in the caller when that is 1. */
void bench_run(const struct bench *b, bench_body *body, void *shared);
/* Zeroed resident memory for the workload's own tables, outside the heap. */
void *bench_table(size_t count, size_t size);
/* Prints ops=N (and the sampler's figures) and returns main's exit status. */
int bench_close(uint64_t ops);
_Noreturn void bench_die(const char *what);
size_t bench_resident(void);       /* bytes, from /proc/self/statm */
extern _Atomic int64_t bench_live; /* requested bytes, BENCH_SAMPLE only */

static inline struct rng rng_seed(uint64_t seed)
{
    return (struct rng){(seed + 1) * 0x9e3779b97f4a7c15u | 1u};
}

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t x = r->state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    r->state = x;
    return x * 0x2545f4914f6cdd1du >> 16;
}

static inline size_t rng_below(struct rng *r, size_t limit)
{
    return (size_t)(rng_next(r) % limit);
}

/* 2^low <= size < 2^high, every power of two equally often: small sizes dominate. */
static inline size_t rng_size(struct rng *r, unsigned low, unsigned high)
{
    uint64_t x = rng_next(r);
    unsigned log = low + (unsigned)((x & 0xffff) % (high - low));
    return ((size_t)1 << log) + (size_t)((x >> 16) & (((uint64_t)1 << log) - 1));
}

static inline void live_add(int64_t bytes)
{
    if (BENCH_SAMPLE)
        atomic_fetch_add_explicit(&bench_live, bytes, memory_order_relaxed);
}

static inline void *block_new(size_t bytes)
{
    void *mem = malloc(bytes);
    if (!mem)
        bench_die("malloc returned NULL");
    live_add((int64_t)bytes);
    return mem;
}

static inline void block_free(void *mem, size_t bytes)
{
    free(mem);
    live_add(-(int64_t)bytes);
}

static inline void *block_resize(void *mem, size_t from, size_t to)
{
    void *moved = realloc(mem, to);
    if (!moved)
        bench_die("realloc returned NULL");
    live_add((int64_t)to - (int64_t)from);
    return moved;
}

/* Marks the first word, the last, and one in each FILL_STRIDE (so every page). */
static inline void block_fill(void *mem, size_t bytes, uint64_t tag)
{
    unsigned char *p = mem;
    if (bytes < sizeof tag) {
        memset(p, (int)(tag & 0xff), bytes);
        return;
    }
    for (size_t at = 0; at + sizeof tag <= bytes; at += FILL_STRIDE)
        memcpy(p + at, &tag, sizeof tag);
    memcpy(p + bytes - sizeof tag, &tag, sizeof tag);
}

static inline void block_check(const void *mem, size_t bytes, uint64_t tag)
{
    const unsigned char *p = mem;
    if (bytes < sizeof tag) {
        for (size_t at = 0; at < bytes; at++)
            if (p[at] != (unsigned char)tag)
                bench_die("a block lost its bytes");
        return;
    }
    /* The last word first: it may have overwritten part of a marked one. */
    if (memcmp(p + bytes - sizeof tag, &tag, sizeof tag) != 0)
        bench_die("a block lost its last word");
    for (size_t at = 0; at + 2 * sizeof tag <= bytes; at += FILL_STRIDE)
        if (memcmp(p + at, &tag, sizeof tag) != 0)
            bench_die("a block lost a word");
}

/* A slot holds a filled block or nothing; the tables of most workloads. */
struct slot {
    void *mem;
    size_t bytes;
};

static inline void slot_empty(struct slot *s)
{
    if (!s->mem)
        return;
    block_check(s->mem, s->bytes, (uint64_t)(uintptr_t)s);
    block_free(s->mem, s->bytes);
    s->mem = NULL;
}

static inline void slot_fill(struct slot *s, size_t bytes)
{
    slot_empty(s);
    s->mem = block_new(bytes);
    s->bytes = bytes;
    block_fill(s->mem, bytes, (uint64_t)(uintptr_t)s);
}

#endif
