/* Freed blocks at rest; see quarantine.h. State: the one that is shared. */
#include "front/quarantine.h"

#include "audit/root.h"
#include "base/check.h"
#include "core/heap.h"
#include "core/meta.h"
#include "front/cache.h"
#include "front/checked.h"
#include "front/malloc.h"
#include "front/options.h"
#include "front/report.h"
#include "os/lock.h"
#include "os/os.h"

#include <string.h>

enum {
    LEAVE_MOST = 4,        /* blocks that leave for one that comes */
    CLEAR_INLINE = 256,    /* larger ones are worth a call, */
    CLEAR_PAGES = 1 << 20, /* and of these most may never have been touched */
    REST_MOST = 1 << 30    /* larger ones do not rest: half a header tells the size */
};

#define QUARANTINE_WRONG ((size_t)0)

SELDOM static struct quarantine quarantine_shared;
static struct lock quarantine_guard = LOCK_INIT(RANK_QUARANTINE);

/* Offset of the first byte that is not zero, or `usable`. */
static COLD size_t quarantine_written(const unsigned char *mem, size_t usable)
{
    size_t at = 0;
    while (at < usable && mem[at] == 0)
        at++;
    return at;
}

static COLD size_t quarantine_tell(const struct chunk *c, bool is_header)
{
    struct finding f = {
        .rule = "write after free: header of a block in quarantine was overwritten",
        .mem = mem_of(c)};
    if (!is_header) {
        size_t usable = chunk_usable(c), at = quarantine_written(mem_of(c), usable);
        f.rule = "write after free: a freed block was written to";
        f.boundary = (uintptr_t)mem_of(c) + at;
        f.length = min_size(usable - at, REPORT_EXPECTED);
    }
    report_finding(&f);
    return QUARANTINE_WRONG;
}

/* Header and contents are as they were when it came. Returns its size, or
 * QUARANTINE_WRONG after a finding that the process survives: it never leaves, and its
 * bytes stay counted. */
static ALWAYS_INLINE size_t quarantine_check(const struct resting *r)
{
    const struct chunk *c = r->chunk;
    if (UNLIKELY((chunk_bits(c) & ~(uint32_t)PREV_INUSE) != r->bits ||
                 load_word(&c->tag) != r->tag))
        return quarantine_tell(c, true);
    /* usable is 8 more than a multiple of 16. */
    size_t size = r->bits & ~(uint32_t)CHUNK_FLAGS;
    const unsigned char *mem = mem_of(c), *last = mem + size - 2 * CHUNK_OVERHEAD;
    if (UNLIKELY(!pairs_are_clear(mem, last) || load_long(last) != 0))
        return quarantine_tell(c, false);
    return size;
}

static bool quarantine_is_clear(const unsigned char *at, const unsigned char *end)
{
    while (end - at > CLEAR_INLINE && pairs_are_clear(at, at + CLEAR_INLINE))
        at += CLEAR_INLINE;
    return end - at <= CLEAR_INLINE && pairs_are_clear(at, end);
}

/* Pages that read as zero are not written to: those that were never touched would become
 * resident. No system call tells them apart: filters kill for it. */
static NOINLINE void quarantine_clear_large(unsigned char *mem, size_t usable)
{
    if (usable < CLEAR_PAGES) {
        memset(mem, 0, usable);
        return;
    }
    unsigned char *last = mem + usable - sizeof(uint64_t);
    for (unsigned char *at = mem; at < last;) {
        size_t left = os_page_size() - ((uintptr_t)at & (os_page_size() - 1));
        size_t part = min_size(left, (size_t)(last - at));
        if (!quarantine_is_clear(at, at + part))
            memset(at, 0, part);
        at += part;
    }
    memset(last, 0, sizeof(uint64_t));
}

static ALWAYS_INLINE void quarantine_clear(struct chunk *c, size_t size)
{
    unsigned char *mem = mem_of(c), *last = mem + size - 2 * CHUNK_OVERHEAD;
    if (size > CLEAR_INLINE) {
        quarantine_clear_large(mem, size - CHUNK_OVERHEAD);
        return;
    }
    clear_pairs(mem, last);
    memset(last, 0, sizeof(uint64_t));
}

/* r takes this place; returns who had it. */
static ALWAYS_INLINE struct resting quarantine_swap(struct resting *place,
                                                    struct resting r)
{
    struct resting driven = *place;
    *place = r;
    return driven;
}

/* The place that is driven out now. Chosen some frees before, when what rests there was
 * asked for: it is out of the processor's reach by now. */
static ALWAYS_INLINE unsigned quarantine_place(struct quarantine *q)
{
    unsigned place = q->next % QUARANTINE_CHANCE;
    q->random = multiply_fold(q->random + heap_keys.word, heap_keys.address | 1) + 1;
    unsigned later = (unsigned)(q->random >> 24) % QUARANTINE_CHANCE;
    PREFETCH((const void *)((uintptr_t)q->chance[later].chunk + CHUNK_OVERHEAD));
    static_assert(QUARANTINE_CHANCE <= 256, "a place is a byte");
    q->next = q->next >> 8 | later << 24;
    return place;
}

static const struct resting quarantine_none;

/* The queue's oldest; it is not empty. */
static ALWAYS_INLINE struct resting quarantine_oldest(struct quarantine *q)
{
    struct resting r = quarantine_swap(&q->queue[q->first], quarantine_none);
    q->first = (q->first + 1) % QUARANTINE_QUEUE;
    q->count--;
    return r;
}

/* Next one to go, while there is too much: of the queue, then any. Few large ones keep to
 * the queue's order. */
static struct resting quarantine_take(struct quarantine *q)
{
    struct resting r = quarantine_none;
    while (r.chunk == NULL && q->count != 0) {
        r = quarantine_oldest(q);
        if (q->count >= QUARANTINE_CHANCE)
            r = quarantine_swap(&q->chance[quarantine_place(q)], r);
    }
    for (unsigned i = 0; i < QUARANTINE_CHANCE && r.chunk == NULL; i++)
        r = quarantine_swap(&q->chance[i], quarantine_none);
    return r;
}

static ALWAYS_INLINE void quarantine_set_count(struct quarantine *q, size_t bytes)
{
    atomic_store_explicit(&q->bytes, bytes, memory_order_relaxed);
}

/* One that leaves; returns how many of `out` are taken now. */
static ALWAYS_INLINE unsigned quarantine_leave(struct quarantine *q, struct resting r,
                                               struct resting *out, unsigned count)
{
    size_t size = quarantine_check(&r);
    quarantine_set_count(q, quarantine_count(q) - size);
    out[count] = r;
    return LIKELY(size != QUARANTINE_WRONG) ? count + 1 : count;
}

/* Puts r in; `out` gets those that leave, verified. Returns how many. */
static ALWAYS_INLINE unsigned quarantine_exchange(struct quarantine *q,
                                                  struct resting r, size_t size,
                                                  struct resting *out)
{
    unsigned count = 0;
    struct resting driven = quarantine_none;
    quarantine_set_count(q, quarantine_count(q) + size);
    if (LIKELY(q->count == QUARANTINE_QUEUE)) {
        /* The oldest one's place in the ring is where the newest goes. */
        driven = quarantine_swap(&q->queue[q->first], r);
        q->first = (q->first + 1) % QUARANTINE_QUEUE;
        driven = quarantine_swap(&q->chance[quarantine_place(q)], driven);
    } else {
        q->queue[(q->first + q->count++) % QUARANTINE_QUEUE] = r;
    }
    if (driven.chunk != NULL)
        count = quarantine_leave(q, driven, out, count);
    while (UNLIKELY(quarantine_count(q) > tune.quarantine) && count < LEAVE_MOST &&
           (driven = quarantine_take(q)).chunk != NULL)
        count = quarantine_leave(q, driven, out, count);
    return count;
}

/* An idle chunk as it is now. */
static ALWAYS_INLINE struct resting quarantine_rest(struct chunk *c, uint32_t bits)
{
    return (struct resting){c, bits, load_word(&c->tag)};
}

static COLD void quarantine_give_shared(struct chunk *c, uint32_t bits, size_t size)
{
    struct resting out[LEAVE_MOST];
    /* Our own lock is held when a signal handler came between and forked. */
    if (lock_is_mine(&quarantine_guard)) {
        chunk_flip(c);
        free_verified(c);
        return;
    }
    lock_take(&quarantine_guard);
    unsigned count =
        quarantine_exchange(&quarantine_shared, quarantine_rest(c, bits), size, out);
    lock_give(&quarantine_guard);
    for (unsigned i = 0; i < count; i++) {
        chunk_flip(out[i].chunk);
        free_verified(out[i].chunk);
    }
}

/* For those that do not rest: too large, no memory, or in a handler that came between. */
static COLD void quarantine_give_odd(struct cache *k, struct chunk *c, uint32_t bits,
                                     size_t size)
{
    if (k == NULL && size <= min_size(tune.quarantine / 4, REST_MOST)) {
        quarantine_give_shared(c, bits, size);
        return;
    }
    chunk_flip(c);
    free_verified(c);
}

void quarantine_describe(void)
{
    root_describe(QUARANTINE_SIZE,
                  (struct layout_field){0, (uint16_t)sizeof(struct quarantine), 1});
    root_describe(QUARANTINE_QUEUE_FIELD,
                  (struct layout_field){offsetof(struct quarantine, queue),
                                        sizeof(struct resting), QUARANTINE_QUEUE});
    root_describe(QUARANTINE_CHANCE_FIELD,
                  (struct layout_field){offsetof(struct quarantine, chance),
                                        sizeof(struct resting), QUARANTINE_CHANCE});
}

static COLD struct quarantine *quarantine_make(struct cache *k)
{
    if (k != NULL && tune.quarantine != 0)
        k->quarantine = meta_take(sizeof(struct quarantine));
    return k == NULL ? NULL : k->quarantine;
}

void quarantine_give(struct cache *k, struct chunk *c)
{
    size_t size = arena_size_again(c, CHUNK_MIN, SIZE_MAX);
    if (size <= REST_MOST) {
        quarantine_give_hit(k, c, (uint32_t)size | (chunk_bits(c) & NON_MAIN_ARENA));
        return;
    }
    quarantine_clear(c, size);
    free_verified(c);
}

/* The size is that of the bits that were verified: the header may say another by now, since
 * realloc allocates and copies in between. */
HOT void quarantine_give_hit(struct cache *k, struct chunk *c, uint32_t bits)
{
    size_t size = bits & ~(uint32_t)CHUNK_FLAGS;
    quarantine_clear(c, size);
    chunk_flip(c);
    struct quarantine *q = k == NULL ? NULL : k->quarantine;
    if (UNLIKELY(q == NULL))
        q = quarantine_make(k);
    if (UNLIKELY(q == NULL || q->busy || size > tune.quarantine / 4 ||
                 size > REST_MOST)) {
        quarantine_give_odd(k, c, bits, size);
        return;
    }
    struct resting out[LEAVE_MOST];
    q->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    unsigned count = quarantine_exchange(q, quarantine_rest(c, bits), size, out);
    atomic_signal_fence(memory_order_seq_cst);
    q->busy = false;
    for (unsigned i = 0; i < count; i++)
        checked_keep(k, out[i].chunk, out[i].bits);
}

void quarantine_empty(struct cache *k)
{
    struct quarantine *q = k->quarantine;
    struct resting r;
    if (q == NULL || q->busy)
        return;
    q->busy = true;
    while ((r = quarantine_take(q)).chunk != NULL) {
        size_t size = quarantine_check(&r);
        quarantine_set_count(q, quarantine_count(q) - size);
        if (size == QUARANTINE_WRONG)
            continue;
        chunk_flip(r.chunk);
        free_verified(r.chunk);
    }
    q->busy = false;
}

void quarantine_end(struct cache *k)
{
    quarantine_empty(k);
    struct quarantine *q = k->quarantine;
    cache_list_lock(); /* others sum up what rests */
    k->quarantine = NULL;
    cache_list_unlock();
    if (q != NULL)
        meta_give(q, sizeof *q);
}

static void quarantine_look(const struct quarantine *q)
{
    for (unsigned i = 0; i < QUARANTINE_QUEUE; i++)
        if (q->queue[i].chunk != NULL)
            quarantine_check(&q->queue[i]);
    for (unsigned i = 0; i < QUARANTINE_CHANCE; i++)
        if (q->chance[i].chunk != NULL)
            quarantine_check(&q->chance[i]);
}

void quarantine_verify(void)
{
    const struct cache *k = thread_own();
    if (k != NULL && k->quarantine != NULL && !k->quarantine->busy)
        quarantine_look(k->quarantine);
    lock_take(&quarantine_guard);
    quarantine_look(&quarantine_shared);
    lock_give(&quarantine_guard);
}

static bool quarantine_has(const struct quarantine *q, const struct chunk *c)
{
    for (unsigned i = 0; i < QUARANTINE_QUEUE; i++)
        if (q->queue[i].chunk == c)
            return true;
    for (unsigned i = 0; i < QUARANTINE_CHANCE; i++)
        if (q->chance[i].chunk == c)
            return true;
    return false;
}

bool quarantine_holds(const void *mem)
{
    const struct chunk *c = chunk_of(mem);
    for (const struct cache *k = cache_list; k != NULL; k = k->next)
        if (k->quarantine != NULL && quarantine_has(k->quarantine, c))
            return true;
    return quarantine_has(&quarantine_shared, c);
}

static bool quarantine_kept; /* locked by the code that the fork interrupted */

void quarantine_lock(void)
{
    quarantine_kept = lock_is_mine(&quarantine_guard);
    if (!quarantine_kept)
        lock_take(&quarantine_guard);
}

void quarantine_unlock(void)
{
    if (!quarantine_kept)
        lock_give(&quarantine_guard);
}
