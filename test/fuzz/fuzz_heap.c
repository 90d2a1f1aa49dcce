/*
 * Bytes -> operations on the heap, in up to four threads, against a shadow of what a
 * correct heap holds: contents, overlap, alignment, usable size. Two bytes of header,
 * then four a step: what, which slot, how many bytes (two). Steps go to the threads in
 * turn. The first thing that is wrong ends the program.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "api/names.h"
#include "fuzz/fuzz.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/shadow.h"

enum {
    THREADS = 4,
    SLOTS = 64,
    SHARED = 32,
    HEADER = 2,
    STEP = 4,
    LIVE_MOST = 10 << 20
};

struct slot {
    unsigned char *mem;
    size_t bytes;
    size_t align;
    uint64_t seed;
};

struct worker {
    const uint8_t *steps;
    size_t count;
    size_t stride;
    size_t live;   /* bytes in its slots */
    uint64_t seed; /* of the next block */
    struct slot slot[SLOTS];
};

struct step {
    uint8_t what;
    uint8_t which;
    size_t bytes;
};

static struct shadow shadow = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Slots through which blocks change hands; each has a lock of its own. */
static struct {
    pthread_mutex_t lock;
    struct slot slot;
} shared[SHARED];

static void demand(bool ok, const char *what, const struct slot *s)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz: %s: block %p, %zu bytes, align %zu\n", what, (void *)s->mem,
            s->bytes, s->align);
    abort();
}

/* Enters a new block; what is NULL must have been allowed to fail. */
static void slot_enter(struct worker *w, struct slot *s, void *mem, size_t bytes,
                       size_t align)
{
    struct slot entered = {mem, bytes, align, w->seed++};
    if (!mem) {
        demand(errno == ENOMEM, "failed without ENOMEM", &entered);
        demand(memory_may_run_out(), "out of memory", &entered);
        return;
    }
    demand(is_aligned(mem, align) && is_aligned(mem, LEAST_ALIGN), "alignment",
           &entered);
    demand(malloc_usable_size(mem) >= bytes, "usable size", &entered);
    demand(shadow_add(&shadow, mem, malloc_usable_size(mem)), "overlap", &entered);
    pattern_fill_sparse(mem, bytes, entered.seed);
    w->live += bytes;
    *s = entered;
}

/* Takes the block out of slot and shadow, whole, so that it can be freed. */
static struct slot slot_leave(struct worker *w, struct slot *s)
{
    struct slot left = *s;
    if (left.mem) {
        demand(pattern_holds_sparse(left.mem, left.bytes, left.seed), "contents",
               &left);
        demand(shadow_remove(&shadow, left.mem), "not in the shadow", &left);
        w->live -= left.bytes;
    }
    *s = (struct slot){NULL, 0, 0, 0};
    return left;
}

static void slot_free(struct worker *w, struct slot *s, unsigned way)
{
    struct slot left = slot_leave(w, s);
    int kept = errno = (int)(w->seed & 127);
#ifdef TEST_CHUNKY
    if (way % 4 == 1 && left.align <= LEAST_ALIGN)
        free_sized(left.mem, left.bytes);
    else if (way % 4 == 2 && left.mem && left.align > LEAST_ALIGN)
        free_aligned_sized(left.mem, left.align, left.bytes);
    else if (way % 4 == 3 && left.mem)
        demand(realloc(left.mem, 0) == NULL, "realloc to 0 returned a block", &left);
    else
#endif
        free(left.mem);
    demand(errno == kept, "free changed errno", &left);
    (void)way;
}

static void do_allocate(struct worker *w, struct slot *s, struct step step)
{
    void *mem = NULL;
    size_t align = LEAST_ALIGN;
    size_t power = (size_t)1 << (step.what >> 3) % 18;
    size_t count;
    size_t each;
    slot_free(w, s, step.which);
    switch (step.what % 8) {
    case 0:
        count = step.bytes % 7 + 1;
        each = step.bytes / count;
        step.bytes = count * each;
        mem = calloc(count, each);
        if (mem && pattern_not_zero(mem, step.bytes) != step.bytes)
            demand(false, "calloc is not zero", &(struct slot){mem, step.bytes, 0, 0});
        break;
    case 1:
        mem = memalign(power, step.bytes);
        align = power;
        break;
    case 2:
        align = power < sizeof(void *) ? sizeof(void *) : power;
        int code = posix_memalign(&mem, align, step.bytes);
        errno = code ? code : errno;
        break;
    case 3:
        mem = aligned_alloc(power, step.bytes);
        align = power;
        break;
    case 4:
        mem = reallocarray(NULL, step.bytes, 1);
        break;
    default:
        mem = malloc(step.bytes);
    }
    slot_enter(w, s, mem, step.bytes, align);
}

static void do_resize(struct worker *w, struct slot *s, struct step step)
{
    struct slot old = slot_leave(w, s);
    size_t bytes = step.bytes ? step.bytes : 1;
    unsigned char *mem = realloc(old.mem, bytes);
    size_t common = bytes < old.bytes ? bytes : old.bytes;
    if (mem && old.mem)
        demand(pattern_holds_prefix(mem, common, old.seed), "contents after realloc",
               &(struct slot){mem, bytes, LEAST_ALIGN, old.seed});
    if (!mem && old.mem) { /* still ours, as it was */
        demand(shadow_add(&shadow, old.mem, malloc_usable_size(old.mem)), "overlap",
               &old);
        w->live += old.bytes;
        *s = old;
        return;
    }
    slot_enter(w, s, mem, bytes, LEAST_ALIGN);
}

static void do_swap(struct worker *w, struct slot *s, struct step step)
{
    size_t with = step.bytes % SHARED;
    pthread_mutex_lock(&shared[with].lock);
    struct slot mine = *s;
    *s = shared[with].slot;
    shared[with].slot = mine;
    pthread_mutex_unlock(&shared[with].lock);
    w->live += s->bytes - mine.bytes;
}

static void do_all_slots(struct worker *w, struct step step)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        unsigned at = step.what & 32 ? SLOTS - 1 - i : i;
        struct slot *s = &w->slot[at * (step.which | 1U) % SLOTS];
        if (step.what & 64)
            slot_free(w, s, 0);
        else if (!s->mem && w->live + step.bytes < LIVE_MOST)
            slot_enter(w, s, malloc(step.bytes), step.bytes, LEAST_ALIGN);
    }
}

static void do_look(struct slot *s, struct step step)
{
    if (s->mem) {
        demand(pattern_holds_sparse(s->mem, s->bytes, s->seed), "contents", s);
        size_t usable = malloc_usable_size(s->mem);
        demand(usable >= s->bytes, "usable size", s);
        memset(s->mem + s->bytes, 0x5c, usable - s->bytes); /* ours as well */
    }
    if (step.bytes % 256 == 0)
        malloc_trim(step.which);
    if (step.bytes % 64 == 1)
        mallinfo2();
}

static void worker_step(struct worker *w, const uint8_t *at)
{
    /* Small sizes in all detail, large ones coarser and rarer, up to 8 MiB. */
    static const uint8_t shift[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 12};
    unsigned size = at[2] | (unsigned)at[3] << 8;
    struct step step = {at[0], at[1], (size_t)(size & 2047) << shift[size >> 11]};
    struct slot *s = &w->slot[step.which % SLOTS];
    if (w->live + step.bytes > LIVE_MOST)
        step.bytes %= 4096;
    switch (step.what % 8) {
    case 0:
    case 1:
        step.what = (uint8_t)(step.what >> 3 | step.which << 5);
        do_allocate(w, s, step);
        break;
    case 2:
        step.what = 7;
        do_allocate(w, s, step);
        break;
    case 3:
        slot_free(w, s, step.what >> 3);
        break;
    case 4:
        do_resize(w, s, step);
        break;
    case 5:
        do_swap(w, s, step);
        break;
    case 6:
        do_all_slots(w, step);
        break;
    default:
        do_look(s, step);
    }
}

static void *worker_run(void *data)
{
    struct worker *w = data;
    for (size_t i = 0; i < w->count; i++)
        worker_step(w, w->steps + i * w->stride);
    for (unsigned i = 0; i < SLOTS; i++) /* some it leaves to whoever comes */
        if (w->count % 3 || i % 4)
            slot_free(w, &w->slot[i], i);
        else
            do_swap(w, &w->slot[i], (struct step){0, 0, i});
    for (unsigned i = 0; i < SLOTS; i++)
        slot_free(w, &w->slot[i], 0);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker workers[THREADS];
    pthread_t thread[THREADS];
    if (size < HEADER + STEP)
        return 0;
    size_t steps = (size - HEADER) / STEP;
    size_t threads = 1 + data[0] % THREADS;
    for (size_t i = 0; i < threads; i++)
        workers[i] = (struct worker){.steps = data + HEADER + i * STEP,
                                     .count = (steps + threads - 1 - i) / threads,
                                     .stride = threads * STEP,
                                     .seed = (uint64_t)(i + 1) << 32};
    for (size_t i = 1; i < threads; i++)
        if (pthread_create(&thread[i], NULL, worker_run, &workers[i]))
            abort();
    worker_run(&workers[0]);
    for (size_t i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (unsigned i = 0; i < SHARED; i++)
        slot_free(&workers[0], &shared[i].slot, i);
    if (shadow.count != 0)
        abort();
    return 0;
}
