/* Freed blocks at rest; see quarantine.h. State: struct quarantine, one a process. */
#include "front/quarantine.h"

#include "base/check.h"
#include "core/heap.h"
#include "front/malloc.h"
#include "front/options.h"
#include "front/report.h"
#include "os/lock.h"
#include "os/os.h"

#include <string.h>

enum { BY_CHANCE = 256, IN_ORDER = 2048, LEAVE_MOST = 8 };

/* A block first rests in a random place; whom it drives out joins a queue. */
struct quarantine {
    struct lock lock;
    size_t bytes;          /* of chunks in both */
    uint64_t random;       /* state of the generator */
    unsigned first, count; /* the queue's oldest, and how many */
    struct chunk *chance[BY_CHANCE];
    struct chunk *queue[IN_ORDER];
};

static struct quarantine quarantine = {.lock = LOCK_INIT(RANK_QUARANTINE)};

static unsigned quarantine_random(struct quarantine *q, unsigned below)
{
    q->random = multiply_fold(q->random + heap_keys.word, heap_keys.address | 1) + 1;
    return (unsigned)(q->random >> 24) % below;
}

/* Offset of the first byte that is not zero, or `usable`. */
static size_t quarantine_written(const struct chunk *c, size_t usable)
{
    const unsigned char *mem = mem_of(c);
    size_t at = 0;
    uint64_t word;
    for (; at + sizeof word <= usable; at += sizeof word) {
        memcpy(&word, mem + at, sizeof word);
        if (word != 0)
            break;
    }
    while (at < usable && mem[at] == 0)
        at++;
    return at;
}

static void quarantine_check(const struct chunk *c)
{
    GUARD(chunk_is_idle(&heap_keys, c),
          "write after free: header of a block in quarantine was overwritten",
          mem_of(c));
    size_t usable = chunk_usable(c), at = quarantine_written(c, usable);
    if (UNLIKELY(at != usable)) {
        struct finding f = {.rule = "write after free: a freed block was written to",
                            .mem = mem_of(c),
                            .boundary = (uintptr_t)mem_of(c) + at,
                            .length = min_size(usable - at, REPORT_EXPECTED)};
        report_finding(&f);
    }
}

/* Next one to go, while there is too much; lock held. */
static struct chunk *quarantine_take(struct quarantine *q)
{
    if (q->count != 0) {
        struct chunk *c = q->queue[q->first];
        q->first = (q->first + 1) % IN_ORDER;
        q->count--;
        return c;
    }
    for (unsigned i = 0; i < BY_CHANCE; i++) {
        struct chunk *c = q->chance[i];
        q->chance[i] = NULL;
        if (c != NULL)
            return c;
    }
    return NULL;
}

/* Puts c in; `out` gets those that leave. Returns how many. */
static unsigned quarantine_exchange(struct quarantine *q, struct chunk *c, size_t limit,
                                    struct chunk **out)
{
    unsigned count = 0;
    struct chunk **place = &q->chance[quarantine_random(q, BY_CHANCE)];
    struct chunk *driven = *place;
    *place = c;
    q->bytes += chunk_size(c);
    if (driven != NULL && q->count == IN_ORDER)
        out[count++] = quarantine_take(q);
    if (driven != NULL)
        q->queue[(q->first + q->count++) % IN_ORDER] = driven;
    size_t left = 0;
    for (unsigned i = 0; i < count; i++)
        left += chunk_size(out[i]);
    while (count < LEAVE_MOST && q->bytes - left > limit) {
        struct chunk *next = quarantine_take(q);
        if (next == NULL)
            break;
        left += chunk_size(next);
        out[count++] = next;
    }
    q->bytes -= left;
    return count;
}

void quarantine_give(struct chunk *c)
{
    size_t limit = tune.quarantine;
    memset(mem_of(c), 0, chunk_usable(c));
    /* Our own lock is held when a signal handler came between and forked. */
    if (chunk_size(c) > limit / 4 || lock_is_mine(&quarantine.lock)) {
        free_verified(c);
        return;
    }
    chunk_flip(c);
    struct quarantine *q = &quarantine;
    struct chunk *out[LEAVE_MOST];
    lock_take(&q->lock);
    unsigned count = quarantine_exchange(q, c, limit, out);
    lock_give(&q->lock);
    for (unsigned i = 0; i < count; i++) {
        quarantine_check(out[i]);
        chunk_flip(out[i]);
        free_verified(out[i]);
    }
}

void quarantine_verify(void)
{
    struct quarantine *q = &quarantine;
    lock_take(&q->lock);
    for (unsigned i = 0; i < BY_CHANCE; i++)
        if (q->chance[i] != NULL)
            quarantine_check(q->chance[i]);
    for (unsigned i = 0; i < q->count; i++)
        quarantine_check(q->queue[(q->first + i) % IN_ORDER]);
    lock_give(&q->lock);
}

bool quarantine_holds(const void *mem)
{
    const struct quarantine *q = &quarantine;
    const struct chunk *c = chunk_of(mem);
    for (unsigned i = 0; i < BY_CHANCE; i++)
        if (q->chance[i] == c)
            return true;
    for (unsigned i = 0; i < q->count; i++)
        if (q->queue[(q->first + i) % IN_ORDER] == c)
            return true;
    return false;
}

static bool quarantine_kept; /* locked by the code that the fork interrupted */

void quarantine_lock(void)
{
    quarantine_kept = lock_is_mine(&quarantine.lock);
    if (!quarantine_kept)
        lock_take(&quarantine.lock);
}

void quarantine_unlock(void)
{
    if (!quarantine_kept)
        lock_give(&quarantine.lock);
}
