/*
 * Giving memory back: the dirty budget, purging without the lock, trimming the top.
 * State: in the arena, whose lock is held at entry and exit. Notes: docs/notes/purge.md
 */
#include "base/check.h"
#include "base/probe.h"
#include "core/binned.h"
#include "core/limit.h"
#include "core/meta.h"
#include "core/take.h"
#include "core/trace.h"
#include "os/os.h"

#include <string.h>

#ifndef CHUNKY_HARD_TRIM
#define CHUNKY_HARD_TRIM 0
#endif

enum {
    PURGE_BATCH = 32,      /* chunks whose pages go in one system call */
    SPARED = 2,            /* budgets that chunks with few dirty pages have beside it */
    EXPIRY_VISITS = 16,    /* so rarely is the age of a widened budget looked at */
    REUSE_RATE = 32 * KIB, /* purged bytes used again in a ms cost next to nothing, */
    REUSE_FREE = 256 * KIB, /* nor do these once */
    DEPOT_SHARE = 32,       /* a depot may hold this part of what is live */
    DEPOT_STEP = 16,        /* once it grew by this part, the limit is looked at */
    SPARED_LIVE = 16, /* a depot may keep this part of what is live of what is spared */
    MISSED_PART = 8,  /* of what is live may be cut while the depot is that full */
    SPARED_PART = 4,  /* of the hold time is how long spared bytes may be idle */
    DEPOT_FREE_PART = 8,     /* of all of an arena's bytes, at least this part, */
    DEPOT_LEAST = 32 * KIB,  /* and this much however small it is, */
    DEPOT_ENOUGH = 512 * KIB /* but not more: to drain much at once joins more */
};

void arena_note_reuse(struct arena *a, size_t bytes)
{
    if (a->purged_at == 0)
        return;
    uint64_t now = os_clock_ms();
    if (now > a->widened_until)
        a->widened = 0;
    if (now - a->purged_at > a->tune->purge_hold_ms)
        return;
    a->counts.returned += bytes;
    /* Faults that are few in a second cost less than the memory. */
    a->reused -= min_size(a->reused, (size_t)(now - a->reused_at) * REUSE_RATE);
    a->reused += bytes;
    a->reused_at = now;
    if (a->reused <= REUSE_FREE)
        return;
    a->widened += min_size(bytes, a->reused - REUSE_FREE);
    a->widened_until = now + a->tune->purge_hold_ms;
    limit_note_kept(a->widened_until);
}

/* Bytes handed out. */
static size_t purge_live(const struct arena *a, size_t top)
{
    size_t idle = a->free_bytes + a->purging + top;
    return a->heap_bytes > idle ? a->heap_bytes - idle : 0;
}

/* Free resident bytes that an arena may keep while so much is live. */
struct budget {
    size_t bytes;
    /* What chunks with few dirty pages may keep beside it: where other threads run, a
     * system call for them interrupts every other processor. */
    size_t spare;
};

static ALWAYS_INLINE struct budget purge_budget(const struct arena *a, size_t live)
{
    size_t base = a->tune->purge_base, spared = 0;
    unsigned arenas = arena_count();
    if (arenas > 1) {
        base /= arenas;
        spared = SPARED;
    }
    size_t bytes = CHUNKY_HARD_TRIM ? 0 : base + live / 100 * a->tune->purge_percent;
    return (struct budget){bytes, spared * bytes};
}

/* Dirty bytes that count. A system call for a few pages costs more than they do, and they
 * are the first to be used again: of chunks with less than DIRTY_LONG, so much is spared.
 */
static size_t purge_dirty(const struct arena *a, size_t spare)
{
    size_t few = a->dirty_bytes[DIRTY_SHORT_LIST];
    return a->dirty_bytes[DIRTY_LONG_LIST] + top_dirty(a) + few - min_size(few, spare);
}

/* Whether so many dirty bytes are more than the budget and what it was widened by. That
 * expires: `ask` the clock or not. */
static ALWAYS_INLINE bool purge_is_due(const struct arena *a, size_t budget,
                                       size_t dirty, bool ask)
{
    return dirty > budget &&
           (dirty > budget + a->widened || (ask && os_clock_ms() > a->widened_until));
}

/* A chunk on its way: out of its bin, its pages about to go. */
struct purge_item {
    struct chunk *chunk;
    size_t size;
    struct clean clean;
    unsigned ranges; /* of pages that are to go: up to 2, around what is clean */
};

/* Takes the oldest chunk of a list of dirty ones; false if there is none. */
static bool purge_pick_chunk(struct arena *a, unsigned list, struct purge_item *item)
{
    struct chunk *c = a->dirty_oldest[list];
    if (c == NULL)
        return false;
    item->size = chunk_size(c);
    item->chunk = c;
    item->clean = binned_take(a, c, item->size);
    return true;
}

/* Takes the dirty part of the top if it is at least so large. */
static bool purge_pick_top(struct arena *a, size_t least, struct purge_item *item)
{
    size_t dirty = top_dirty(a);
    size_t above = align_up((uintptr_t)a->top + sizeof *a->top, os_page_size()) -
                   (uintptr_t)a->top;
    if (dirty < least || top_size(a) < above + dirty + CHUNK_MIN)
        return false;
    item->size = above + dirty;
    if (item->size < TAIL_MIN)
        return false;
    a->top_purged = max_size(a->top_purged, a->top_clean);
    item->chunk = top_cut(a, item->size, NULL);
    item->clean = (struct clean){0, 0};
    return true;
}

static bool purge_pick(struct arena *a, struct purge_item *item)
{
    return purge_pick_chunk(a, DIRTY_LONG_LIST, item) ||
           purge_pick_top(a, DIRTY_LONG, item) ||
           purge_pick_chunk(a, DIRTY_SHORT_LIST, item) ||
           purge_pick_top(a, os_page_size(), item);
}

/* The interior but for what is clean already, into `out`; returns how many ranges. */
static unsigned purge_ranges(const struct purge_item *item, struct os_range *out)
{
    struct clean inside = binned_interior(item->chunk, item->size);
    struct clean k = item->clean;
    unsigned count = 0;
    if (k.from == k.to)
        k.from = k.to = inside.to;
    if (inside.from < k.from)
        out[count++] = (struct os_range){(void *)inside.from, k.from - inside.from};
    if (k.to < inside.to)
        out[count++] = (struct os_range){(void *)k.to, inside.to - k.to};
    return count;
}

/* The system call for all items. What was refused stays as it was. Returns the bytes
 * given back. */
static size_t purge_pages(const struct tune *t, struct purge_item *items,
                          unsigned count, uint64_t *ranges)
{
    struct os_range range[2 * PURGE_BATCH];
    unsigned all = 0;
    size_t total = 0;
    for (unsigned i = 0; i < count; i++)
        all += items[i].ranges = purge_ranges(&items[i], range + all);
    /* What it saves are interrupts of other threads. */
    os_purge(range, all, t->at_once != 0 && arena_count() > 1);
    *ranges += all;
    const struct os_range *r = range;
    for (struct purge_item *item = items; item < items + count; item++) {
        size_t bytes = 0;
        bool gone = true;
        for (unsigned i = 0; i < item->ranges; i++, r++) {
            gone &= r->size != 0;
            bytes += r->size;
        }
        if (gone)
            item->clean = binned_interior(item->chunk, item->size);
        total += bytes;
    }
    return total;
}

/* Merges a purged chunk back; one that joins the top leaves the top clean behind it. */
static void purge_return(struct arena *a, struct purge_item *item)
{
    struct chunk *next = chunk_at(item->chunk, item->size);
    bool last = next == a->top;
    uintptr_t clean_end = (uintptr_t)next;
    uintptr_t top_clean = a->top_clean;
    a->purging -= min_size(item->size, a->purging); /* a forked child forgot it */
    give_merged(a, item->chunk, item->size, item->clean);
    if (last && item->clean.to > item->clean.from &&
        top_clean <= align_up(clean_end + CHUNK_HEADER, os_page_size()) &&
        item->clean.to == clean_end) {
        /* The page with the old top's header follows; zeroed it counts as clean too. The
         * fence may end it. */
        uintptr_t zero_end = min_size(top_clean, (uintptr_t)heap_fence(a->top_heap));
        memset((void *)clean_end, 0, zero_end - clean_end);
        a->top_clean =
            max_size(item->clean.from,
                     align_up((uintptr_t)a->top + CHUNK_HEADER, os_page_size()));
    }
}

static size_t purge_until(struct arena *a, size_t keep, size_t spare)
{
    size_t total = 0;
    size_t before = SIZE_MAX;
    /* Each round must get somewhere: pages can be refused, or dirtied by others. */
    while (purge_dirty(a, spare) > keep && purge_dirty(a, spare) < before) {
        struct purge_item item[PURGE_BATCH];
        before = purge_dirty(a, spare);
        unsigned count = 0;
        while (count < PURGE_BATCH && purge_dirty(a, spare) > keep &&
               purge_pick(a, &item[count])) {
            a->purging += item[count].size;
            count++;
        }
        if (count == 0)
            break;
        arena_unlock(a);
        uint64_t ranges = 0;
        size_t bytes = purge_pages(a->tune, item, count, &ranges);
        meta_trim(false);
        arena_lock(a);
        a->purged_at = os_clock_ms();
        a->counts.purges += ranges;
        a->counts.purged += bytes;
        PROBE2(purge, a->index, bytes);
        trace(TRACE_PURGE, bytes);
        for (unsigned i = 0; i < count; i++)
            purge_return(a, &item[i]);
        total += bytes;
        if (bytes == 0) {
            /* Refused: to ask again at once would be in vain. */
            a->widened = SIZE_MAX / 2;
            a->widened_until = a->purged_at + a->tune->purge_hold_ms;
            limit_note_kept(a->widened_until);
            break;
        }
    }
    return total;
}

void arena_yield(struct arena *a, size_t bytes)
{
    struct budget b = purge_budget(a, a->live);
    size_t dirty = purge_dirty(a, b.spare);
    a->yields = 0;
    if (dirty > b.bytes)
        purge_until(a, dirty - min_size(bytes, dirty - b.bytes), b.spare);
}

size_t arena_purge(struct arena *a, size_t keep)
{
    return purge_until(a, keep, 0);
}

size_t arena_trim(struct arena *a, size_t pad)
{
    if (a->top == NULL)
        return 0;
    size_t size = top_size(a), least = CHUNK_MIN + pad;
    if (size <= least)
        return 0;
    size_t got = heap_shrink(a->top_heap, size - least);
    if (got != 0) {
        a->heap_bytes -= got;
        a->counts.trims++;
        trace(TRACE_TRIM, got);
        top_set(a, a->top);
    }
    return got;
}

/* Of what is spared, the part for the depot: what rests there keeps its neighbours apart. */
static size_t depot_spared(const struct arena *a)
{
    size_t live = atomic_load_explicit(&a->live, memory_order_relaxed);
    return min_size(arena_spared(a), a->tune->depot_bytes + live / SPARED_LIVE);
}

void arena_note_miss(struct arena *a, unsigned class, size_t count)
{
    struct depot *d = &a->depot;
    d->missed += count * class_sizes[class];
    size_t always = a->tune->depot_bytes / arena_count();
    size_t most = max_size(always, purge_live(a, top_size(a)) / DEPOT_SHARE);
    d->limit = min_size(d->limit + count * class_sizes[class], most + depot_spared(a));
    size_t again = a->tune->purge_hold_ms == 0 || always == 0 ? 0 : a->heap_bytes;
    if (d->drained[class] != 0 && depot_regret(d, class, count, again))
        limit_note_kept(d->noted_from + a->tune->purge_hold_ms);
}

/* The depot may hold what refills lately missed; what nobody asks for again leaves it,
 * and takes a part of the limit with it. Blocks that only rest there pin their pages. */
static NOINLINE void settle_depot(struct arena *a, size_t fallen)
{
    struct depot *d = &a->depot;
    size_t least =
        clamp_size(a->heap_bytes / DEPOT_FREE_PART, DEPOT_LEAST, DEPOT_ENOUGH);
    least = min_size(least, a->tune->depot_bytes);
    if (d->limit < least)
        d->limit = least;
    if (d->bytes <= d->limit + fallen + d->rest)
        return;
    size_t excess = d->bytes - d->rest - d->limit / 4;
    arena_sieve(a, d->limit / 4 + fallen / 4 * 3);
    if (fallen == 0)
        d->limit = max_size(d->limit > excess / 4 ? d->limit - excess / 4 : 0, least);
}

/* Idle and resident: free chunks, the top, and what waits unmerged. */
static ALWAYS_INLINE size_t settle_idle(const struct arena *a, size_t top)
{
    size_t fresh = 0;
    uintptr_t end = (uintptr_t)a->top + top;
    if (a->top_clean < end)
        fresh = end - a->top_clean;
    return a->free_bytes - a->clean_bytes + top - min_size(fresh, top) +
           a->depot.bytes + a->fast_bytes;
}

/* Blocks in the depot pin their pages, so that nothing can be purged: once more is idle
 * than the promise allows, it is emptied. If that did not help, it is the live blocks
 * that pin: then the next time is when more is idle, or so little live that the depot
 * matters beside it. */
static NOINLINE void settle_promise(struct arena *a, size_t idle, size_t promise)
{
    if (idle <= promise) {
        a->pinned = 0;
        return;
    }
    if (idle <= a->pinned + a->pinned / 8 &&
        a->depot.bytes <= a->depot.rest + DEPOT_LEAST + a->live / 8)
        return;
    arena_sieve(a, 0);
    arena_consolidate(a);
    struct budget b = purge_budget(a, a->live);
    if (purge_is_due(a, b.bytes, purge_dirty(a, b.spare), true))
        purge_until(a, b.bytes / 2, b.spare);
    a->pinned = max_size(settle_idle(a, top_size(a)), promise);
}

static NOINLINE void settle_dirty(struct arena *a, struct budget b)
{
    purge_until(a, b.bytes / 2, b.spare);
    size_t threshold = a->tune->trim_threshold;
    if (top_size(a) > threshold && top_size(a) > a->heap_bytes / 4)
        arena_trim(a, threshold / 2);
}

/* A threshold that the program set is kept to the letter, as in glibc. */
static NOINLINE void settle_top(struct arena *a)
{
    if (a->heap_bytes + a->depot.bytes - purge_live(a, top_size(a)) >
        a->tune->trim_threshold)
        arena_drain(a, 0);
    if (top_size(a) > a->tune->trim_threshold)
        arena_trim(a, a->tune->top_pad);
}

/* Whether nothing but the depot changed since the last settling, and that little: many
 * visits exchange magazines only. */
static ALWAYS_INLINE bool settle_is_idle(const struct arena *a)
{
    const struct settled *s = &a->settled;
    return a->depot.bytes <= s->depot_most && a->free_bytes == s->free_bytes &&
           a->fast_bytes == s->fast_bytes && a->clean_bytes == s->clean_bytes &&
           a->top == s->top && a->heap_bytes == s->heap_bytes &&
           a->counts.visits % EXPIRY_VISITS != 0;
}

/* `depot`: bytes that may lie there; `room`: that may become idle before something is due,
 * 0: look each time. */
static ALWAYS_INLINE void settle_note(struct arena *a, size_t depot, size_t room)
{
    if (room == 0 || a->pinned != 0 || a->tune->trim_set != 0) {
        a->settled.free_bytes = SIZE_MAX;
        return;
    }
    room = min_size(room, max_size(DEPOT_ENOUGH, a->heap_bytes / DEPOT_STEP));
    a->settled = (struct settled){
        .top = a->top,
        .heap_bytes = a->heap_bytes,
        .free_bytes = a->free_bytes,
        .clean_bytes = a->clean_bytes,
        .fast_bytes = a->fast_bytes,
        .depot_most = min_size(depot, a->depot.bytes + room),
    };
}

/* True when the depot, and below the arena, may keep less from now on. */
static NOINLINE bool expire_spared(struct arena *a, uint64_t now)
{
    struct depot *d = &a->depot;
    bool less = depot_forget(d, now, a->tune->purge_hold_ms / SPARED_PART);
    if (depot_regrets(d))
        limit_note_kept(now + a->tune->purge_hold_ms);
    return less;
}

static bool expire_widened(struct arena *a, uint64_t now)
{
    if (now <= a->widened_until) {
        limit_note_kept(a->widened_until);
        return false;
    }
    a->widened = 0;
    return true;
}

/* Notes what is live; returns how much more than its limit the depot may hold. */
static ALWAYS_INLINE size_t settle_live(struct arena *a, size_t out)
{
    struct depot *d = &a->depot;
    size_t live = out - min_size(out, d->bytes);
    atomic_store_explicit(&a->live, live, memory_order_relaxed);
    depot_note_live(d, live);
    /* The limit falls with what is live, whether anybody asks or not. */
    size_t most = a->tune->depot_bytes + out / DEPOT_SHARE;
    d->limit = min_size(d->limit, most + depot_spared(a));
    if (d->bytes <= d->limit)
        d->missed = 0;
    else if (d->missed > max_size(live / MISSED_PART, DEPOT_ENOUGH))
        d->returned = d->missed = 0; /* what is asked for now is something else */
    return depot_fallen(d, live);
}

void arena_settle(struct arena *a)
{
    size_t waiting = atomic_load_explicit(&a->remote.bytes, memory_order_relaxed);
    if (UNLIKELY(waiting > a->depot.limit))
        arena_absorb(a);
    depot_note_bytes(&a->depot);
    if (settle_is_idle(a))
        return;
    if (a->counts.visits % EXPIRY_VISITS == 0 && depot_regrets(&a->depot))
        expire_spared(a, os_clock_ms());
    size_t top = top_size(a), live = purge_live(a, top);
    size_t fallen = settle_live(a, live);
    if (UNLIKELY(a->heap_bytes > a->heap_peak))
        a->heap_peak = a->heap_bytes;
    if (UNLIKELY(a->depot.bytes > a->depot.limit + fallen + a->depot.rest)) {
        settle_depot(a, fallen);
        top = top_size(a);
        live = purge_live(a, top);
    }
    struct budget b = purge_budget(a, live - min_size(live, a->depot.rest));
    size_t dirty = purge_dirty(a, b.spare);
    /* A little that is over is not worth a clock each time. */
    bool ask = dirty > 2 * b.bytes || a->counts.visits % EXPIRY_VISITS == 0;
    if (UNLIKELY(purge_is_due(a, b.bytes, dirty, ask))) {
        settle_dirty(a, b);
        top = top_size(a);
    }
    if (UNLIKELY(a->yields != 0))
        arena_yield(a, a->yields);
    size_t idle = settle_idle(a, top);
    size_t promise = b.bytes + b.spare + a->widened + a->depot.limit + fallen;
    if (a->depot.bytes > DEPOT_LEAST && UNLIKELY(idle > promise || a->pinned != 0))
        settle_promise(a, idle, promise);
    if (UNLIKELY(a->tune->trim_set != 0))
        settle_top(a);
    settle_note(a, a->depot.limit + fallen + a->depot.rest,
                idle < promise ? promise - idle : 0);
}

void arena_expire(struct arena *a)
{
    if (a->top == NULL || (a->widened == 0 && !depot_regrets(&a->depot)))
        return;
    uint64_t now = os_clock_ms();
    bool less = a->widened != 0 && expire_widened(a, now);
    if (depot_regrets(&a->depot))
        less |= expire_spared(a, now);
    if (!less)
        return;
    a->settled.free_bytes = SIZE_MAX;
    arena_settle(a);
}
