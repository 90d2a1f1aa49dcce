/* Depot and remote list of an arena; see depot.h. */
#include "core/depot.h"

#include "base/check.h"

#include <string.h>

enum {
    MANY = 4096, /* magazines that leave together: neighbours among them are joined */
    REGRET_PART = 32, /* so much of what was drained and is asked for again */
    HIT_PART = 4,     /* of what comes out of a depot outweighs what has to be cut */
    NEWEST = 8        /* that speak for all of a class */
};

static void depot_mark(struct depot *d, unsigned class)
{
    if (d->full[class] == NULL)
        set_remove(d->map, class);
    else
        set_add(d->map, class);
}

/* The newest one leaves its list; bytes and map are the caller's. */
static void depot_unlink(struct depot *d, unsigned class)
{
    d->full[class] = d->full[class]->next;
    d->fresh[class] -= d->fresh[class] != 0;
}

/* The slots of a magazine from `from` on rest here no more. */
static void depot_unrest(struct depot *d, struct magazine *m, uint32_t from)
{
    d->rest -= min_size(d->rest, (m->counted - from) * (size_t)class_sizes[m->class]);
    d->rest_count -= min_size(d->rest_count, m->counted - from);
    m->counted = (uint16_t)from;
}

COLD NOINLINE void depot_uncount(struct depot *d, struct magazine *m, uint32_t from)
{
    size_t size = depot_extent(m->class);
    if (d->tally.idle != NULL)
        for (uint32_t i = from; i < m->counted; i++)
            tally_remove(&d->tally, (uintptr_t)chunk_of(magazine_at(m, i)), size);
    depot_unrest(d, m, from);
}

size_t magazine_fill(struct magazine *m, void **mem, size_t count)
{
    uint32_t n = m->count;
    size_t i = 0, stay = 0;
    if (n == 0)
        m->high = magazine_high(mem[0]);
    for (; i < count && n < MAGAZINE_SLOTS; i++) {
        if (LIKELY(magazine_high(mem[i]) == m->high))
            m->slot[n++] = magazine_low(mem[i]);
        else
            mem[stay++] = mem[i];
    }
    m->count = n;
    memmove(mem + stay, mem + i, (count - i) * sizeof *mem);
    return stay + count - i;
}

static struct magazine *depot_take_newest(struct depot *d, unsigned class)
{
    struct magazine *m = d->full[class];
    depot_unlink(d, class);
    depot_mark(d, class);
    d->bytes -= magazine_bytes(m);
    return m;
}

struct magazine *depot_take(struct depot *d, unsigned class)
{
    if (d->full[class] == NULL)
        return NULL;
    struct magazine *m = depot_take_newest(d, class);
    if (UNLIKELY(m->counted != 0))
        depot_uncount(d, m, 0);
    return m;
}

/* How many of `want` pointers of a class there are. */
static size_t depot_count(const struct depot *d, unsigned class, size_t want)
{
    size_t count = 0;
    for (const struct magazine *m = d->full[class]; m != NULL && count < want;
         m = m->next)
        count += m->count;
    return min_size(count, want);
}

size_t depot_take_some(struct depot *d, unsigned class, size_t want, void **out,
                       struct magazine **empty)
{
    size_t count = depot_count(d, class, want);
    for (void **end = out + count; end != out;) {
        struct magazine *m = d->full[class];
        size_t n = min_size((size_t)(end - out), m->count);
        m->count -= (uint32_t)n;
        if (UNLIKELY(m->counted > m->count))
            depot_uncount(d, m, m->count);
        end -= n;
        for (size_t i = 0; i < n; i++)
            end[i] = magazine_at(m, m->count + (uint32_t)i);
        if (m->count == 0) {
            depot_unlink(d, class);
            m->next = *empty;
            *empty = m;
        }
    }
    d->missed -= min_size(d->missed, count * class_sizes[class] / HIT_PART);
    depot_mark(d, class);
    d->bytes -= count * class_sizes[class];
    return count;
}

void *depot_take_aligned(struct depot *d, unsigned class, size_t align)
{
    struct magazine *m = depot_newest(d, class);
    if (m == NULL || m->count == 1) /* none is empty in a depot */
        return NULL;
    for (uint32_t i = m->count; i-- > 0;) {
        void *mem = magazine_at(m, i);
        if (((uintptr_t)mem & (align - 1)) == 0) {
            if (m->counted != 0)
                depot_uncount(d, m, 0);
            m->slot[i] = m->slot[--m->count];
            d->bytes -= class_sizes[class];
            return mem;
        }
    }
    return NULL;
}

bool depot_is_aligned(const struct depot *d, unsigned class, size_t align)
{
    const struct magazine *m = depot_newest(d, class);
    uintptr_t bits = 0;
    for (uint32_t i = 0; m != NULL && i < m->count && i < NEWEST; i++)
        bits |= (uintptr_t)magazine_at(m, m->count - 1 - i);
    return m != NULL && (bits & (align - 1)) == 0;
}

void depot_give(struct depot *d, struct magazine *m)
{
    m->next = d->full[m->class];
    m->counted = 0;
    d->full[m->class] = m;
    d->fresh[m->class]++;
    depot_mark(d, m->class);
    d->bytes += magazine_bytes(m);
}

size_t depot_put(struct depot *d, unsigned class, void **mem, size_t count)
{
    struct magazine *m = depot_newest(d, class);
    if (m == NULL || count == 0)
        return count;
    size_t stay = magazine_fill(m, mem, count);
    d->bytes += (count - stay) * class_sizes[class];
    return stay;
}

struct magazine *depot_take_many(struct depot *d, size_t keep)
{
    struct magazine *chain = NULL;
    for (unsigned n = 0; n < MANY && d->bytes > keep; n++) {
        while (d->full[d->sweep] == NULL)
            d->sweep = d->sweep + 1 < CLASS_COUNT ? d->sweep + 1 : 0;
        struct magazine *m = depot_take_newest(d, d->sweep);
        depot_unrest(d, m, 0); /* still idle */
        d->drained[d->sweep] += m->count;
        m->next = chain;
        chain = m;
    }
    return chain;
}

void depot_cut(struct depot *d, unsigned class, struct magazine *last)
{
    if (last == NULL)
        d->full[class] = NULL;
    else
        last->next = NULL;
    uint32_t count = 0;
    for (const struct magazine *m = d->full[class]; m != NULL; m = m->next)
        count++;
    d->fresh[class] = (uint32_t)min_size(d->fresh[class], count);
    depot_mark(d, class);
}

void depot_note_drain(struct depot *d, uint64_t now, uint64_t hold)
{
    if (now - d->drained_at > hold)
        memset(d->drained, 0, sizeof d->drained);
    d->drained_at = now;
}

bool depot_regret(struct depot *d, unsigned class, size_t count, size_t most)
{
    size_t again = min_size(count, d->drained[class]) * class_sizes[class];
    bool first = !depot_regrets(d);
    if (again == 0 || most == 0)
        return false;
    d->drained[class] -= (uint32_t)(again / class_sizes[class]);
    d->returned = min_size(d->returned + again, most);
    d->spared = min_size(d->spared + again / REGRET_PART, most / 2);
    if (!first)
        return false;
    d->least = 0;
    d->most = SIZE_MAX;
    d->noted_from = d->drained_at;
    return true;
}

/* What is left of `bytes`: not what nobody took, nor what was not there. */
static size_t depot_used(const struct depot *d, size_t bytes)
{
    return min_size(bytes - min_size(bytes, d->least), d->most);
}

bool depot_forget(struct depot *d, uint64_t now, uint64_t hold)
{
    if (now <= d->noted_from + hold)
        return false;
    size_t spared = d->spared, returned = d->returned;
    if (now > d->noted_from + 2 * hold)
        d->most = d->live_most = d->swing = 0;
    d->spared = depot_used(d, spared);
    d->returned = depot_used(d, returned);
    bool less = d->spared < spared || d->returned < returned ||
                d->live_before > d->live_most || d->swing_before > d->swing;
    d->live_before = d->live_most;
    d->live_most = 0;
    d->swing_before = d->swing;
    d->swing = 0;
    d->least = d->most = d->bytes;
    d->noted_from = now;
    return less;
}

size_t remote_push(struct remote *r, struct magazine *m)
{
    size_t bytes = magazine_bytes(m);
    struct magazine *head = atomic_load_explicit(&r->list, memory_order_relaxed);
    do {
        m->next = head;
    } while (!atomic_compare_exchange_weak_explicit(
        &r->list, &head, m, memory_order_release, memory_order_relaxed));
    return atomic_fetch_add_explicit(&r->bytes, bytes, memory_order_relaxed) + bytes;
}

struct magazine *remote_take(struct remote *r)
{
    if (atomic_load_explicit(&r->list, memory_order_relaxed) == NULL)
        return NULL;
    struct magazine *list =
        atomic_exchange_explicit(&r->list, NULL, memory_order_acquire);
    struct magazine *oldest = NULL;
    size_t bytes = 0;
    while (list != NULL) {
        struct magazine *next = list->next;
        bytes += magazine_bytes(list);
        list->next = oldest;
        oldest = list;
        list = next;
    }
    atomic_fetch_sub_explicit(&r->bytes, bytes, memory_order_relaxed);
    return oldest;
}
