/* Freed blocks at rest; see quarantine.h. State: the one that is shared. */
#include "front/quarantine.h"

#include "base/check.h"
#include "core/heap.h"
#include "core/meta.h"
#include "front/checked.h"
#include "front/malloc.h"
#include "front/options.h"
#include "front/report.h"
#include "os/lock.h"
#include "os/os.h"

#include <string.h>

enum { LEAVE_MOST = 4 }; /* blocks that leave for one that comes */

#define QUARANTINE_WRONG ((size_t)0)

static struct quarantine quarantine_shared;
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
static ALWAYS_INLINE size_t quarantine_check(const struct chunk *c)
{
    if (UNLIKELY(!chunk_is_idle(&heap_keys, c)))
        return quarantine_tell(c, true);
    /* usable is 8 more than a multiple of 16. */
    size_t size = chunk_size(c);
    const uint64_t *word = mem_of(c), *end = word + (size - 2 * CHUNK_OVERHEAD) / 8;
    uint64_t any = *end;
    for (; end - word >= 8; word += 8)
        any |= word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] |
               word[7];
    for (; word != end; word += 2)
        any |= word[0] | word[1];
    if (UNLIKELY(any != 0))
        return quarantine_tell(c, false);
    return size;
}

/* c takes this place; returns who had it, or NULL. */
static ALWAYS_INLINE struct chunk *quarantine_swap(struct chunk **place,
                                                   struct chunk *c)
{
    struct chunk *driven = *place;
    *place = c;
    return driven;
}

static ALWAYS_INLINE unsigned quarantine_chance(struct quarantine *q)
{
    q->random = multiply_fold(q->random + heap_keys.word, heap_keys.address | 1) + 1;
    return (unsigned)(q->random >> 24) % QUARANTINE_CHANCE;
}

/* The queue's oldest; it is not empty. */
static ALWAYS_INLINE struct chunk *quarantine_oldest(struct quarantine *q)
{
    struct chunk *c = quarantine_swap(&q->queue[q->first], NULL);
    q->first = (q->first + 1) % QUARANTINE_QUEUE;
    q->count--;
    return c;
}

/* Next one to go, while there is too much: of the queue, then any. Few large ones keep to
 * the queue's order. */
static struct chunk *quarantine_take(struct quarantine *q)
{
    struct chunk *c = NULL;
    while (c == NULL && q->count != 0) {
        c = quarantine_oldest(q);
        if (q->count >= QUARANTINE_CHANCE)
            c = quarantine_swap(&q->chance[quarantine_chance(q)], c);
    }
    if (c != NULL)
        return c;
    for (unsigned i = 0; i < QUARANTINE_CHANCE && c == NULL; i++)
        c = quarantine_swap(&q->chance[i], NULL);
    return c;
}

/* One that leaves; returns how many of `out` are taken now. */
static ALWAYS_INLINE unsigned quarantine_leave(struct quarantine *q, struct chunk *c,
                                               struct chunk **out, unsigned count)
{
    size_t size = quarantine_check(c);
    q->bytes -= size;
    out[count] = c;
    return LIKELY(size != QUARANTINE_WRONG) ? count + 1 : count;
}

/* Puts c in; `out` gets those that leave, verified. Returns how many. */
static ALWAYS_INLINE unsigned quarantine_exchange(struct quarantine *q, struct chunk *c,
                                                  size_t size, struct chunk **out)
{
    unsigned count = 0;
    struct chunk *driven = NULL;
    q->bytes += size;
    if (LIKELY(q->count == QUARANTINE_QUEUE))
        driven =
            quarantine_swap(&q->chance[quarantine_chance(q)], quarantine_oldest(q));
    q->queue[(q->first + q->count++) % QUARANTINE_QUEUE] = c;
    if (driven != NULL)
        count = quarantine_leave(q, driven, out, count);
    while (UNLIKELY(q->bytes > tune.quarantine) && count < LEAVE_MOST &&
           (driven = quarantine_take(q)) != NULL)
        count = quarantine_leave(q, driven, out, count);
    return count;
}

static COLD void quarantine_give_shared(struct chunk *c)
{
    struct chunk *out[LEAVE_MOST];
    /* Our own lock is held when a signal handler came between and forked. */
    if (lock_is_mine(&quarantine_guard)) {
        chunk_flip(c);
        free_verified(c);
        return;
    }
    lock_take(&quarantine_guard);
    unsigned count = quarantine_exchange(&quarantine_shared, c, chunk_size(c), out);
    lock_give(&quarantine_guard);
    for (unsigned i = 0; i < count; i++) {
        chunk_flip(out[i]);
        free_verified(out[i]);
    }
}

/* For those that do not rest: too large, no memory, or in a handler that came between. */
static COLD void quarantine_give_odd(struct cache *k, struct chunk *c)
{
    if (k == NULL && chunk_size(c) <= tune.quarantine / 4) {
        quarantine_give_shared(c);
        return;
    }
    chunk_flip(c);
    free_verified(c);
}

static COLD struct quarantine *quarantine_make(struct cache *k)
{
    if (k != NULL && tune.quarantine != 0)
        k->quarantine = meta_take(sizeof *k->quarantine);
    return k == NULL ? NULL : k->quarantine;
}

HOT void quarantine_give(struct cache *k, struct chunk *c)
{
    size_t size = chunk_size(c);
    memset(mem_of(c), 0, size - CHUNK_OVERHEAD);
    chunk_flip(c);
    struct quarantine *q = k == NULL ? NULL : k->quarantine;
    if (UNLIKELY(q == NULL))
        q = quarantine_make(k);
    if (UNLIKELY(q == NULL || q->busy || size > tune.quarantine / 4)) {
        quarantine_give_odd(k, c);
        return;
    }
    struct chunk *out[LEAVE_MOST];
    q->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    unsigned count = quarantine_exchange(q, c, size, out);
    atomic_signal_fence(memory_order_seq_cst);
    q->busy = false;
    for (unsigned i = 0; i < count; i++)
        checked_keep(k, out[i], chunk_bits(out[i]) & ~(uint32_t)PREV_INUSE);
}

void quarantine_empty(struct cache *k)
{
    struct quarantine *q = k->quarantine;
    struct chunk *c;
    if (q == NULL || q->busy)
        return;
    q->busy = true;
    while ((c = quarantine_take(q)) != NULL) {
        size_t size = quarantine_check(c);
        q->bytes -= size;
        if (size == QUARANTINE_WRONG)
            continue;
        chunk_flip(c);
        free_verified(c);
    }
    q->busy = false;
}

void quarantine_end(struct cache *k)
{
    quarantine_empty(k);
    if (k->quarantine != NULL)
        meta_give(k->quarantine, sizeof *k->quarantine);
    k->quarantine = NULL;
}

static void quarantine_look(const struct quarantine *q)
{
    for (unsigned i = 0; i < QUARANTINE_QUEUE; i++)
        if (q->queue[i] != NULL)
            quarantine_check(q->queue[i]);
    for (unsigned i = 0; i < QUARANTINE_CHANCE; i++)
        if (q->chance[i] != NULL)
            quarantine_check(q->chance[i]);
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
        if (q->queue[i] == c)
            return true;
    for (unsigned i = 0; i < QUARANTINE_CHANCE; i++)
        if (q->chance[i] == c)
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
