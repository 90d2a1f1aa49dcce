/* What leaves a cache for the arenas; see cache_send.h. State: the caller's cache. */
#include "front/cache_send.h"

#include "base/probe.h"
#include "core/meta.h"
#include "core/trace.h"
#include "front/cache.h"
#include "front/options.h"

#include <string.h>

enum {
    SPARES = 8, /* most empty magazines kept by a cache */
    FETCHED = 4 /* of them taken and given back at once: meta has one lock for all */
};

static struct magazine *cache_spare(struct cache *k)
{
    if (k->spare == NULL) {
        k->spare = meta_take_list(sizeof *k->spare, FETCHED);
        k->spares = 0;
        for (const struct magazine *m = k->spare; m != NULL; m = m->next)
            k->spares++;
    }
    struct magazine *m = k->spare;
    if (m != NULL) {
        k->spare = m->next;
        k->spares--;
    }
    return m;
}

static void cache_keep_spare(struct cache *k, struct magazine *m)
{
    m->next = k->spare;
    k->spare = m;
    if (++k->spares <= SPARES)
        return;
    struct magazine *last = m;
    for (unsigned i = 1; i < FETCHED; i++)
        last = last->next;
    k->spare = last->next;
    k->spares -= FETCHED;
    last->next = NULL;
    meta_give_list(m, sizeof *m);
}

void cache_keep_spares(struct cache *k, struct magazine *list)
{
    while (list != NULL) {
        struct magazine *m = list;
        list = m->next;
        cache_keep_spare(k, m);
    }
}

/* Packs pointers into the magazines of a chain; returns how many are left at the front, for
 * want of memory. */
static size_t cache_pack(struct cache *k, struct magazine **chain, unsigned class,
                         void **mem, size_t count)
{
    while (count != 0) {
        struct magazine *m = cache_spare(k);
        if (m == NULL)
            break;
        m->class = (uint16_t) class;
        m->count = 0;
        count = magazine_fill(m, mem, count);
        m->next = NULL;
        *chain = m;
        chain = &m->next;
    }
    return count;
}

/* Pointers into the depot of their arena, whose lock is held; without memory for
 * magazines into its bins. */
static void cache_put(struct cache *k, struct arena *a, unsigned class, void **mem,
                      size_t count)
{
    struct magazine *chain = NULL, *m;
    size_t left = depot_put(&a->depot, class, mem, count);
    if (LIKELY(left == 0))
        return;
    left = cache_pack(k, &chain, class, mem, left);
    while ((m = chain) != NULL) {
        chain = m->next;
        depot_give(&a->depot, m);
    }
    for (size_t i = 0; i < left; i++)
        arena_give(a, chunk_of(mem[i]));
}

static void cache_leave(struct arena *a)
{
    a->counts.flushes++;
    arena_settle(a);
    arena_unlock(a);
}

/* Pointers to an arena, by way of its remote list: without waiting for the lock while
 * there is memory for magazines. */
static void cache_push(struct cache *k, struct arena *a, unsigned class, void **mem,
                       size_t count)
{
    struct magazine *chain = NULL;
    size_t left = cache_pack(k, &chain, class, mem, count), waiting = 0;
    while (chain != NULL) {
        struct magazine *m = chain;
        chain = m->next;
        waiting = remote_push(&a->remote, m);
    }
    if (left != 0)
        arena_lock(a);
    else if (waiting <= tune.depot_bytes / 4 || !arena_try(a))
        return;
    arena_absorb(a);
    cache_put(k, a, class, mem, left);
    cache_leave(a);
}

/* Spans of address space seen last: of an arena, and of others; 1: none. What lies in one
 * is one arena's. */
struct spans {
    uintptr_t home;
    uintptr_t away;
};
#define NO_SPANS ((struct spans){1, 1})

/* Those that are at home in `a` to the front; returns how many they are. */
static size_t cache_gather(const struct arena *a, struct spans *seen, void **mem,
                           size_t count)
{
    size_t own = 0;
    struct spans s = *seen;
    for (size_t i = 0; i < count; i++) {
        void *here = mem[i];
        uintptr_t span = (uintptr_t)here & ~(HEAP_SPAN - 1);
        if (span != s.home && span != s.away)
            *(arena_of(here) == a ? &s.home : &s.away) = span;
        if (span == s.home) {
            mem[i] = mem[own];
            mem[own++] = here;
        }
    }
    *seen = s;
    return own;
}

void cache_send_all(struct cache *k, unsigned class, void **mem, size_t count)
{
    if (count != 0) {
        PROBE2(flush, class_sizes[class], count);
        trace(TRACE_CACHE_FLUSH, count);
    }
    while (count > 0) {
        struct arena *a = arena_of(mem[0]);
        struct spans seen = NO_SPANS;
        size_t same = cache_gather(a, &seen, mem, count);
        if (a == k->arena && arena_try(a)) {
            cache_put(k, a, class, mem, same);
            cache_leave(a);
        } else {
            cache_push(k, a, class, mem, same);
        }
        mem += same;
        count -= same;
    }
}

/* Into the newest magazine of the class, until it is full; *stay pointers of those that
 * were looked at move to the front, being at home elsewhere. Returns how many were. */
static size_t cache_put_first(struct arena *a, struct spans *seen, unsigned class,
                              void **mem, size_t count, size_t *stay)
{
    struct magazine *m = depot_newest(&a->depot, class);
    if (m == NULL)
        return 0;
    struct spans s = *seen;
    uint32_t *slot = m->slot + m->count, *full = m->slot + MAGAZINE_SLOTS;
    size_t i = 0, others = 0;
    for (; i < count && slot != full; i++) {
        void *here = mem[i];
        uintptr_t span = (uintptr_t)here & ~(HEAP_SPAN - 1);
        if (span != s.home && span != s.away)
            *(arena_of(here) == a ? &s.home : &s.away) = span;
        if (UNLIKELY(span != s.home))
            mem[others++] = here;
        else if (LIKELY(magazine_high(here) == m->high))
            *slot++ = magazine_low(here);
        else
            break;
    }
    *seen = s;
    *stay = others;
    depot_note_put(&a->depot, m, i - others);
    return i;
}

/* Of the oldest `count` blocks of a class those that are at home in `a`, whose lock is
 * held. Returns how many. A signal finds the class empty meanwhile, and nothing twice. */
static size_t cache_put_own(struct cache *k, struct arena *a, struct spans *seen,
                            unsigned class, size_t count)
{
    struct stack *s = &k->stack[class];
    void **base = k->state[class].base, **top = s->top;
    size_t stay = 0;
    move_slot(&s->top, base);
    size_t first = cache_put_first(a, seen, class, base, count, &stay);
    if (first < count) {
        void **rest = base + first;
        size_t own = cache_gather(a, seen, rest, count - first);
        cache_put(k, a, class, rest, own);
        memmove(base + stay, rest + own, (count - first - own) * sizeof *base);
        stay += count - first - own;
    }
    memmove(base + stay, base + count, (size_t)(top - (base + count)) * sizeof *base);
    size_t own = count - stay;
    move_slot(&s->top, top - own);
    if (own != 0) {
        PROBE2(flush, class_sizes[class], own);
        trace(TRACE_CACHE_FLUSH, own);
    }
    return own;
}

/* How many of a class a part of the cache has, the oldest ones. */
static size_t cache_part_of(const struct cache *k, unsigned class, enum cache_part part)
{
    const struct stack_state *state = &k->state[class];
    size_t count = (size_t)(k->stack[class].top - state->base);
    if (part == CACHE_HALVES)
        return 2 * count < state->allowed ? 0 : (count + 1) / 2;
    return part == CACHE_ALL || state->active < k->peak_tick ? count : 0;
}

void cache_send_half(struct cache *k, unsigned class)
{
    struct arena *a = k->arena;
    struct spans seen = NO_SPANS;
    if (arena_of(k->state[class].base[0]) != a || !arena_try(a))
        return;
    cache_put_own(k, a, &seen, class, cache_part_of(k, class, CACHE_HALVES));
    cache_leave(a);
}

unsigned cache_send_own(struct cache *k, enum cache_part part)
{
    struct arena *a = k->arena;
    struct spans seen = NO_SPANS;
    unsigned classes = 0;
    bool locked = false;
    for (unsigned class = 1; class < CLASS_COUNT; class ++) {
        if (k->stack[class].top[-1] == NULL)
            continue;
        size_t count = cache_part_of(k, class, part);
        if (count == 0)
            continue;
        if (!locked && !arena_try(a))
            return 0;
        locked = true;
        classes += cache_put_own(k, a, &seen, class, count) != 0;
    }
    if (locked && part == CACHE_IDLE) {
        arena_drain(a, 0);
        arena_consolidate(a);
    }
    if (locked)
        cache_leave(a);
    return classes;
}

void cache_give_large(struct chunk *c)
{
    struct arena *a = arena_of(mem_of(c));
    if (!arena_try(a)) {
        struct magazine *m = meta_take(sizeof *m);
        if (m != NULL) {
            m->class = CLASS_NONE;
            m->count = 0;
            magazine_fill(m, &(void *){mem_of(c)}, 1);
            if (remote_push(&a->remote, m) <= tune.depot_bytes / 4 || !arena_try(a))
                return;
            arena_absorb(a);
            arena_settle(a);
            arena_unlock(a);
            return;
        }
        arena_lock(a);
    }
    arena_give(a, c);
    arena_settle(a);
    arena_unlock(a);
}
