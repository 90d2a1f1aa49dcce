/*
 * Bytes -> operations on the heap, in up to four threads, against a shadow of what a
 * correct heap holds: contents, overlap, alignment, usable size. Two bytes of header
 * (threads; whether named heaps take part), then four a step: what, which slot, how many
 * bytes (two). Steps go to the threads in turn. The first wrong thing ends the program.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "chunky.h"

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
    COMMON = 2,
    COMMON_LIMIT = 1 << 20, /* of the second one */
    LIVE_MOST = 10 << 20
};

struct slot {
    unsigned char *mem;
    size_t bytes;
    size_t align;
    uint64_t seed;
    struct chunky_heap *heap; /* named, or NULL */
};

struct worker {
    const uint8_t *steps;
    size_t count;
    size_t stride;
    size_t live;             /* bytes in its slots */
    uint64_t seed;           /* of the next block */
    struct chunky_heap *own; /* no other thread gets blocks of it; NULL: not yet made */
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

/* Named heaps of all threads; NULL where the input has none. */
static struct chunky_heap *common[COMMON];

static void demand(bool ok, const char *what, const struct slot *s)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz: %s: block %p, %zu bytes, align %zu\n", what, (void *)s->mem,
            s->bytes, s->align);
    abort();
}

/* A call returned NULL: was it allowed to? */
static void demand_refusal(const struct slot *s)
{
    demand(errno == ENOMEM, "failed without ENOMEM", s);
    demand(memory_may_run_out() || (s->heap && s->heap == common[1]), "out of memory",
           s);
}

/* Enters a new block; what is NULL must have been allowed to fail. */
static void slot_enter_of(struct worker *w, struct slot *s, void *mem, size_t bytes,
                          size_t align, struct chunky_heap *heap)
{
    struct slot entered = {mem, bytes, align, w->seed++, heap};
    if (!mem) {
        demand_refusal(&entered);
        return;
    }
    demand(chunky_heap_of(mem) == heap, "heap", &entered);
    demand(is_aligned(mem, align) && is_aligned(mem, LEAST_ALIGN), "alignment",
           &entered);
    demand(malloc_usable_size(mem) >= bytes, "usable size", &entered);
    demand(shadow_add(&shadow, mem, malloc_usable_size(mem)), "overlap", &entered);
    pattern_fill_sparse(mem, bytes, entered.seed);
    w->live += bytes;
    *s = entered;
}

static void slot_enter(struct worker *w, struct slot *s, void *mem, size_t bytes,
                       size_t align)
{
    slot_enter_of(w, s, mem, bytes, align, NULL);
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
    *s = (struct slot){NULL, 0, 0, 0, NULL};
    return left;
}

static void slot_free(struct worker *w, struct slot *s, unsigned way)
{
    struct slot left = slot_leave(w, s);
    int kept = errno = (int)(w->seed & 127);
    if (left.heap && way & 8)
        chunky_heap_free(left.heap, left.mem);
    else if (way % 4 == 1 && left.align <= LEAST_ALIGN)
        free_sized(left.mem, left.bytes);
    else if (way % 4 == 2 && left.mem && left.align > LEAST_ALIGN)
        free_aligned_sized(left.mem, left.align, left.bytes);
    else if (way % 4 == 3 && left.mem)
        demand(realloc(left.mem, 0) == NULL, "realloc to 0 returned a block", &left);
    else
        free(left.mem);
    demand(errno == kept, "free changed errno", &left);
}

/* Its blocks are whole to the end, and then gone at once. */
static void destroy_own(struct worker *w)
{
    if (!w->own)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        if (w->slot[i].heap == w->own)
            slot_leave(w, &w->slot[i]);
    chunky_heap_destroy(w->own);
    w->own = NULL;
}

/* The named heap that a number stands for; NULL: none. */
static struct chunky_heap *heap_for(struct worker *w, unsigned number)
{
    if (!common[0] || number % 4 == 0)
        return NULL;
    if (number % 4 != 3)
        return common[number % 4 - 1];
    if (!w->own)
        w->own = chunky_heap_create("own", 0);
    return w->own;
}

static void do_allocate_named(struct worker *w, struct slot *s, struct step step,
                              struct chunky_heap *heap)
{
    size_t align = LEAST_ALIGN;
    void *mem;
    switch (step.what % 8) {
    case 0:
        mem = chunky_heap_calloc(heap, step.bytes, 1);
        if (mem && pattern_not_zero(mem, step.bytes) != step.bytes)
            demand(false, "calloc is not zero",
                   &(struct slot){mem, step.bytes, 0, 0, heap});
        break;
    case 1:
    case 2:
        align = (size_t)LEAST_ALIGN << (step.what >> 3) % 14;
        mem = chunky_heap_aligned_alloc(heap, align, step.bytes);
        break;
    case 3:
        mem = chunky_heap_realloc(heap, NULL, step.bytes);
        break;
    default:
        mem = chunky_heap_malloc(heap, step.bytes);
    }
    slot_enter_of(w, s, mem, step.bytes, align, heap);
}

static void do_allocate(struct worker *w, struct slot *s, struct step step)
{
    void *mem = NULL;
    size_t align = LEAST_ALIGN;
    size_t power = (size_t)1 << (step.what >> 3) % 18;
    size_t count;
    size_t each;
    slot_free(w, s, step.which);
    struct chunky_heap *heap = heap_for(w, step.which >> 6);
    if (heap) {
        do_allocate_named(w, s, step, heap);
        return;
    }
    switch (step.what % 8) {
    case 0:
        count = step.bytes % 7 + 1;
        each = step.bytes / count;
        step.bytes = count * each;
        mem = calloc(count, each);
        if (mem && pattern_not_zero(mem, step.bytes) != step.bytes)
            demand(false, "calloc is not zero",
                   &(struct slot){mem, step.bytes, 0, 0, NULL});
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
    unsigned char *mem = old.heap && step.what & 64
                             ? chunky_heap_realloc(old.heap, old.mem, bytes)
                             : realloc(old.mem, bytes);
    size_t both = bytes < old.bytes ? bytes : old.bytes;
    if (mem && old.mem)
        demand(pattern_holds_prefix(mem, both, old.seed), "contents after realloc",
               &(struct slot){mem, bytes, LEAST_ALIGN, old.seed, old.heap});
    if (!mem && old.mem) { /* still ours, as it was */
        demand_refusal(&old);
        demand(shadow_add(&shadow, old.mem, malloc_usable_size(old.mem)), "overlap",
               &old);
        w->live += old.bytes;
        *s = old;
        return;
    }
    slot_enter_of(w, s, mem, bytes, LEAST_ALIGN, old.heap);
}

static void do_swap(struct worker *w, struct slot *s, struct step step)
{
    if (s->heap && s->heap == w->own)
        return;
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
    if (step.what & 128)
        destroy_own(w);
    for (unsigned i = 0; i < SLOTS; i++) {
        unsigned at = step.what & 32 ? SLOTS - 1 - i : i;
        struct slot *s = &w->slot[at * (step.which | 1U) % SLOTS];
        if (step.what & 64)
            slot_free(w, s, 0);
        else if (!s->mem && w->live + step.bytes < LIVE_MOST)
            slot_enter(w, s, malloc(step.bytes), step.bytes, LEAST_ALIGN);
    }
}

static int count_block(const struct chunky_block *block, void *count)
{
    ++*(size_t *)count;
    demand(block->mem && block->usable >= block->bytes, "walk",
           &(struct slot){block->mem, block->bytes, 0, 0, block->heap});
    return 0;
}

/* What is counted from inside; nobody else touches a heap of the worker's own. */
static void do_count(const struct worker *w)
{
    size_t own = 0, seen = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        own += w->slot[i].heap && w->slot[i].heap == w->own;
    if (w->own) {
        chunky_heap_walk(w->own, count_block, &seen);
        demand(seen == own && chunky_heap_stats(w->own).blocks == own,
               "blocks of a named heap", &w->slot[0]);
    }
    struct chunky_heap_stats s = chunky_heap_stats(common[1]);
    demand(s.used <= s.limit, "beyond its limit", &w->slot[0]);
    chunky_walk(count_block, &seen);
}

static void do_look(struct worker *w, struct slot *s, struct step step)
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
    if (step.bytes % 64 == 2 && common[0])
        do_count(w);
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
        do_look(w, s, step);
    }
}

static void *worker_run(void *data)
{
    struct worker *w = data;
    for (size_t i = 0; i < w->count; i++)
        worker_step(w, w->steps + i * w->stride);
    destroy_own(w);
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
    if (data[1] & 1) {
        common[0] = chunky_heap_create("common", 0);
        common[1] = common[0] ? chunky_heap_create("limited", COMMON_LIMIT) : NULL;
    }
    if (!common[1]) { /* both or none */
        chunky_heap_destroy(common[0]);
        common[0] = NULL;
    }
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
    for (unsigned i = 0; i < COMMON; i++) {
        demand(!common[i] || chunky_heap_stats(common[i]).used == 0,
               "something is left", &shared[0].slot);
        chunky_heap_destroy(common[i]);
        common[i] = NULL;
    }
    if (shadow.count != 0)
        abort();
    return 0;
}
