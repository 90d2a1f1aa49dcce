/* Chunks from any arena, and room by giving back; see supply.h. No state. */
#include "front/supply.h"

#include "base/check.h"
#include "core/limit.h"
#include "core/mapped.h"
#include "core/meta.h"
#include "front/cache.h"
#include "front/options.h"
#include "front/quarantine.h"
#include "front/thread.h"
#include "os/os.h"

static struct chunk *supply_take_from(struct arena *a, size_t size, size_t align,
                                      struct clean *clean)
{
    struct chunk *c = align <= CHUNK_ALIGN ? arena_take(a, size, clean)
                                           : arena_take_aligned(a, size, align);
    arena_settle(a);
    arena_unlock(a);
    return c;
}

struct chunk *supply_take(size_t size, size_t align, struct clean *clean)
{
    struct arena *a = thread_arena();
    if (!arena_try(a))
        a = arena_choose(a);
    struct chunk *c = supply_take_from(a, size, align, clean);
    /* Another arena may still have room where this one may not grow. */
    for (struct arena *other = &arena_main; c == NULL && other != NULL;
         other = arena_next(other)) {
        if (other == a || !arena_is_shared(other) || lock_is_mine(&other->lock))
            continue;
        arena_lock(other);
        c = supply_take_from(other, size, align, clean);
    }
    struct cache *k = thread_own();
    if (LIKELY(k != NULL))
        cache_note_taken(k);
    return c;
}

struct chunk *supply_take_hole(size_t size)
{
    struct arena *a = thread_arena();
    if (!arena_try(a))
        return NULL;
    struct chunk *c = arena_take_hole(a, size);
    arena_settle(a);
    arena_unlock(a);
    return c;
}

/* Without the lock: what it does not see now it sees next time. */
RACE_IS_KNOWN static bool supply_keeps_more(const struct arena *a)
{
    return a->widened != 0;
}

void supply_yield(size_t bytes)
{
    struct arena *a = thread_arena();
    if (LIKELY(!supply_keeps_more(a)) || !mapped_is_peak(bytes) || !arena_try(a))
        return;
    arena_yield(a, bytes);
    arena_unlock(a);
}

static size_t supply_empty(struct arena *a, size_t pad)
{
    arena_lock(a);
    size_t before = a->heap_bytes;
    arena_absorb(a);
    arena_drain(a, 0);
    arena_consolidate(a);
    size_t got = arena_purge(a, 0);
    arena_trim(a, pad);
    arena_give_top(a);
    got += before - min_size(a->heap_bytes, before);
    arena_unlock(a);
    return got;
}

size_t supply_give_back(size_t pad)
{
    struct cache *k = thread_cache();
    size_t got = mapped_expire(&tune, true);
    if (k != NULL) {
        quarantine_empty(k);
        cache_empty(k);
    }
    cache_free_parked();
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a))
        if (!lock_is_mine(&a->lock))
            got += supply_empty(a, a == &arena_main ? pad : 0);
    meta_trim(true);
    return got;
}

static COLD void supply_expire_now(void)
{
    if (!lock_is_mine(&mapped.lock)) /* else a signal handler came between */
        mapped_expire(&tune, false);
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a)) {
        if (arena_try(a)) {
            arena_expire(a);
            arena_unlock(a);
        } else {
            limit_note_kept(os_clock_ms() + tune.purge_hold_ms);
        }
    }
}

void supply_expire(void)
{
    uint64_t until = limits.kept_until;
    if (until != 0 && os_clock_ms() > until &&
        atomic_compare_exchange_strong(&limits.kept_until, &until, 0))
        supply_expire_now();
}

size_t supply_resident(void)
{
    size_t sum = mapped_kept_resident();
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a)) {
        if (lock_is_mine(&a->lock))
            continue;
        const struct heap *h = NULL;
        unsigned seen = 0;
        arena_lock(a);
        while ((h = arena_next_heap(a, h, &seen)) != NULL) {
            uintptr_t from = align_down(h->start, os_page_size());
            sum += os_resident((const void *)from,
                               align_up(h->end, os_page_size()) - from);
        }
        arena_unlock(a);
    }
    return sum;
}

bool supply_reclaim(size_t bytes)
{
    struct cache *k = thread_cache();
    size_t held = k != NULL ? k->capacity : 0;
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a))
        held += a->heap_bytes;
    size_t hard = limits.hard, used = limits.used;
    held += hard > used ? hard - used : 0;
    /* What could never be served costs nobody the caches. */
    if (bytes > held + mapped.kept_bytes + HEAP_SPAN * heap_spare.count)
        return false;
    return supply_give_back(0) + heap_unmap_spares() + (k != NULL) != 0;
}
