/*
 * Refill and flush of thread caches; see cache.h. State: the list of caches, those that
 * wait for a thread, and the lock of both (rank THREADS). A cache itself is touched by
 * its thread only.
 */
#include "front/cache.h"

#include "base/check.h"
#include "base/probe.h"
#include "core/meta.h"
#include "core/trace.h"
#include "front/cache_send.h"
#include "front/options.h"
#include "front/supply.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

#ifndef CHUNKY_HARD_NOCACHE
#define CHUNKY_HARD_NOCACHE 0
#endif

enum {
    ROOM_MIN = 7, /* with the NULL below them, 64 bytes */
    ROOM_MAX = 511,
    CLASS_BYTES = 32 * KIB,  /* most bytes that one class may hold, */
    CLASS_PART = 32,         /* or this part of what the thread may */
    SHARE_MAX = 1280 * KIB,  /* most that a thread has of cache_total */
    SHARE_MIN = 192 * KIB,   /* and least, however many there are */
    SENT_MOST = 2 * MIB,     /* so much of what went home is remembered; */
    BOUNCE_PART = 4,         /* this part of what comes back counts, */
    BOUNCE_FADES = 32,       /* until this part of it is forgotten each time; */
    BOUNCE_MOST = 512 * KIB, /* most of it in one thread, */
    BOUNCE_MORE = 4,         /* in all cache_total and this part more, */
    BOUNCE_THREADS = 16,     /* but nothing where they are more */
    LIVE_SHARE = 16,         /* caches may hold this part of what is live, */
    SPARED_SHARE = 2,        /* and this of what their depot is spared */
    IDLE_TICKS = 512,        /* a class without fill or flush for so long is idle */
    BUDGET_TICKS = 16,  /* so rarely is the budget worked out again, the clock asked */
    RECLAIM_TICKS = 16, /* and an idle class looked for */
    BUSY_VISIT = 4,     /* a visit that found the arena locked counts so much, */
    BUSY_MOVE = 64,     /* one that did not takes 1 away; here the thread moves */
    NEXT = 2,           /* classes above that may stand in for one, */
    NEXT_ALIGNED = 4,   /* or if it is small and the address shall be right */
    NEXT_PART = 16,     /* or, above 1 KiB, by this part larger */
    SAME_ALIGNED = 3,   /* so often the same again, and it is fetched ahead */
    LOOK_BACK = 8,      /* blocks that an aligned request looks at in each */
    TREND = 8,          /* fills without a flush, or flushes without a fill, */
    TREND_MAX = 64,     /* or so many where trends turn round soon, and */
    TREND_CLASSES = 4,  /* classes that join in, for a visit to serve others too */
    PARKED = 8,         /* most caches of ended threads that wait for new ones */
    CUT_PART = 256,     /* no more than this part of the heap is cut for a class at */
    CUT_LEAST = 2,      /* once, but so many blocks: each has a header to write */
    PEAK_LEAST = 2 * MIB, /* a heap at least so large that grew by this part to a new */
    PEAK_PART = 16,       /* peak, pages that were never used before: idle classes go */
    PEAK_STEP = 128 * KIB /* home; and by so much: those of large chunks */
};

static struct lock cache_lock = LOCK_INIT(RANK_THREADS);
static _Atomic size_t cache_count;

struct cache *cache_list;
static struct cache *cache_parked; /* by next; empty, but with their arrays */
static unsigned cache_parked_count;

/* What every empty stack without an array points behind. Never written. */
static void *cache_nothing[2];

#define EMPTY                                                                          \
    {                                                                                  \
        &cache_nothing[1], &cache_nothing[1]                                           \
    }
#define EMPTY4 EMPTY, EMPTY, EMPTY, EMPTY
#define EMPTY16 EMPTY4, EMPTY4, EMPTY4, EMPTY4

static_assert(CLASS_COUNT == 10 * 16 + 1, "the dummy has as many stacks");

const struct cache cache_dummy = {
    .nothing = EMPTY,
    .stack = {EMPTY16, EMPTY16, EMPTY16, EMPTY16, EMPTY16, EMPTY16, EMPTY16, EMPTY16,
              EMPTY16, EMPTY16, EMPTY},
};

static size_t cache_share(size_t bytes, size_t threads)
{
    return bytes / max_size(threads, 1);
}

/* What went home and came back might have stayed. Many threads would hold too much. */
static size_t cache_bounced(const struct cache *k, size_t threads)
{
    size_t all = tune.cache_total + tune.cache_total / BOUNCE_MORE;
    return threads > BOUNCE_THREADS ? 0
                                    : min_size(k->bounced, cache_share(all, threads));
}

static void cache_note_sent(struct cache *k, unsigned class)
{
    size_t bytes = k->state[class].allowed / 2 * (size_t)class_sizes[class];
    k->sent = min_size(k->sent + bytes, SENT_MOST);
}

static void cache_note_back(struct cache *k, size_t bytes)
{
    size_t back = min_size(k->sent, bytes);
    k->sent -= back;
    k->bounced = min_size(k->bounced + back / BOUNCE_PART, BOUNCE_MOST);
}

/* What one thread may hold: its share of a fixed sum, of what is live in its arena, and of
 * what proved to be too little there, and here. */
static size_t cache_budget(const struct cache *k)
{
    const struct arena *a = k->arena;
    size_t threads = atomic_load_explicit(&cache_count, memory_order_relaxed);
    size_t fixed = cache_share(tune.cache_total, threads);
    size_t live = atomic_load_explicit(&a->live, memory_order_relaxed);
    size_t mine = cache_share(live / LIVE_SHARE + arena_spared(a) / SPARED_SHARE,
                              atomic_load_explicit(&a->threads, memory_order_relaxed));
    fixed = clamp_size(fixed, min_size(SHARE_MIN, tune.cache_total), SHARE_MAX);
    return min_size(fixed + mine + cache_bounced(k, threads), tune.cache_bytes);
}

/* How many pointers a class should have room for next: twice as many, within its own
 * limit. */
static size_t cache_wanted(const struct stack_state *state, size_t size, size_t budget)
{
    if (CHUNKY_HARD_NOCACHE)
        return 1;
    size_t wanted = state->allowed * 2U + 1U;
    size_t bytes = max_size(CLASS_BYTES, budget / CLASS_PART);
    if (state->allowed == 0)
        wanted = clamp_size(1024 / size, 1, ROOM_MIN);
    else if (state->allowed >= 2 && (state->allowed + 1U) * size > bytes)
        return state->allowed; /* the usual case, without a division */
    if (wanted > 2 && wanted * size > bytes)
        wanted = max_size(bytes / size, 2);
    return min_size(wanted, ROOM_MAX);
}

static struct cache *cache_new(void)
{
    struct cache *k = meta_take(sizeof *k);
    if (k == NULL)
        return NULL;
    k->address_key = heap_keys.address;
    k->word_key = heap_keys.word;
    k->sample = CACHE_FIRST_SAMPLE;
    k->nothing = cache_dummy.nothing;
    memcpy(k->stack, cache_dummy.stack, sizeof k->stack);
    return k;
}

static void cache_free(struct cache *k)
{
    for (unsigned class = 1; class < CLASS_COUNT; class ++)
        if (k->state[class].base != NULL)
            meta_give(k->state[class].base - 1,
                      (k->state[class].room + 1U) * sizeof(void *));
    meta_give_list(k->spare, sizeof *k->spare);
    meta_give(k, sizeof *k);
}

/* A parked one, or NULL. */
static struct cache *cache_unpark(void)
{
    lock_take(&cache_lock);
    struct cache *k = cache_parked;
    if (k != NULL) {
        cache_parked = k->next;
        cache_parked_count--;
    }
    lock_give(&cache_lock);
    return k;
}

void cache_free_parked(void)
{
    struct cache *k;
    while ((k = cache_unpark()) != NULL)
        cache_free(k);
}

/* What a class may hold falls to nothing; it is empty. */
static void cache_close_class(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    struct stack_state *state = &k->state[class];
    k->capacity -= (size_t)state->allowed * class_sizes[class];
    state->allowed = 0;
    s->limit = s->top;
}

static void cache_send_class(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    void **base = k->state[class].base;
    if (base == NULL)
        return;
    size_t count = (size_t)(s->top - base);
    move_slot(&s->top, base);
    cache_send_all(k, class, base, count);
}

static void cache_send_everything(struct cache *k)
{
    cache_send_own(k, CACHE_ALL);
    for (unsigned class = 1; class < CLASS_COUNT; class ++)
        cache_send_class(k, class);
}

void cache_empty(struct cache *k)
{
    cache_send_everything(k);
    for (unsigned class = 1; class < CLASS_COUNT; class ++)
        cache_close_class(k, class);
}

/* Refills come from this arena from now on; that it is large is no growth. */
static void cache_join(struct cache *k, struct arena *a)
{
    k->arena = a;
    k->peak = k->large_peak = a->touched;
    atomic_fetch_add_explicit(&a->threads, 1, memory_order_relaxed);
}

/* For a new thread, which may do what the last one did: the classes stay as wide as they
 * were, within the budget, and those that were filled may be filled early. */
static void cache_begin(struct cache *k)
{
    cache_join(k, arena_least());
    k->busy = BUSY_MOVE - BUSY_VISIT; /* it has no blocks yet: moves at once */
    k->thread = os_thread_id();
    k->fills = k->flushes = 0;
    k->trend = TREND;
    atomic_fetch_add_explicit(&cache_count, 1, memory_order_relaxed);
    k->budget = cache_budget(k);
    for (unsigned class = 1; class < CLASS_COUNT && k->capacity > k->budget; class ++)
        cache_close_class(k, class);
}

struct cache *cache_create(void)
{
    struct cache *k = cache_unpark();
    if (k == NULL)
        k = cache_new();
    if (k == NULL)
        return NULL;
    cache_begin(k);
    lock_take(&cache_lock);
    k->next = cache_list;
    k->prev = NULL;
    if (cache_list != NULL)
        cache_list->prev = k;
    cache_list = k;
    lock_give(&cache_lock);
    return k;
}

static void cache_unlist(struct cache *k)
{
    if (k->prev != NULL)
        k->prev->next = k->next;
    else
        cache_list = k->next;
    if (k->next != NULL)
        k->next->prev = k->prev;
}

/* Off the list, and among the parked ones if there is room. */
static bool cache_park(struct cache *k)
{
    lock_take(&cache_lock);
    cache_unlist(k);
    bool parks = cache_parked_count < PARKED;
    if (parks) {
        k->next = cache_parked;
        cache_parked = k;
        cache_parked_count++;
    }
    lock_give(&cache_lock);
    return parks;
}

void cache_destroy(struct cache *k)
{
    cache_send_everything(k);
    atomic_fetch_sub_explicit(&k->arena->threads, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&cache_count, 1, memory_order_relaxed);
    if (!cache_park(k))
        cache_free(k);
}

/* Looks at a few classes in turn and empties one that has been idle, so that its share
 * of the budget can go to another. */
static void cache_reclaim(struct cache *k)
{
    for (unsigned i = 0; i < 8; i++) {
        k->sweep = k->sweep + 1 < CLASS_COUNT ? k->sweep + 1 : 1;
        const struct stack_state *state = &k->state[k->sweep];
        if (state->allowed != 0 && k->tick - state->active > IDLE_TICKS) {
            cache_send_class(k, k->sweep);
            cache_close_class(k, k->sweep);
            return;
        }
    }
}

/* A larger array for a class, with what is in it, full until the class may hold more; false
 * without memory. */
static bool cache_enlarge(struct stack *s, struct stack_state *state, size_t room)
{
    void **array = meta_take((room + 1) * sizeof *array);
    if (array == NULL)
        return false;
    void **before = state->base;
    size_t count = before == NULL ? 0 : (size_t)(s->top - before);
    size_t bytes = (state->room + 1U) * sizeof *array;
    array[0] = NULL;
    if (count != 0)
        memcpy(array + 1, before, count * sizeof *array);
    state->base = array + 1;
    state->room = (uint16_t)room;
    s->limit =
        state->base + count; /* beside the next line: a signal finds a full stack */
    move_slot(&s->top, state->base + count);
    if (before != NULL)
        meta_give(before - 1, bytes);
    return true;
}

/* Slow start: every fill or flush doubles what the class may hold, until its own limit
 * or the thread's budget. True when it holds more than before. */
static bool cache_widen(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    struct stack_state *state = &k->state[class];
    size_t size = class_sizes[class];
    if (++k->tick % BUDGET_TICKS == 0) {
        k->bounced -= k->bounced / BOUNCE_FADES;
        k->budget = cache_budget(k);
        supply_expire();
    }
    state->active = k->tick;
    /* The usual case when the budget is used up. */
    if (k->capacity + size > k->budget && state->allowed != 0 &&
        k->tick % RECLAIM_TICKS != 0)
        return false;
    size_t wanted = cache_wanted(state, size, k->budget);
    size_t more = wanted > state->allowed ? (wanted - state->allowed) * size : 0;
    /* Also when nothing is wanted: the budget falls with what is live. */
    if (k->capacity + more > k->budget && k->tick % RECLAIM_TICKS == 0)
        cache_reclaim(k);
    if (more == 0 || (k->capacity + more > k->budget &&
                      (state->allowed != 0 || class >= CLASS_LARGE)))
        return false;
    size_t room = ROOM_MIN;
    while (room < wanted)
        room = room * 2 + 1;
    if (room > state->room && !cache_enlarge(s, state, room))
        return false;
    state->allowed = (uint16_t)wanted;
    s->limit = state->base + wanted;
    k->capacity += more;
    trace(TRACE_CACHE_WIDEN, wanted);
    return true;
}

/* The arena of the cache, locked. A thread that finds it busy again and again moves to
 * another one; now and then it waits: blocks spread over many arenas leave holes in all
 * of them. */
static struct arena *cache_enter(struct cache *k)
{
    struct arena *a = k->arena;
    if (arena_try(a)) {
        k->busy -= k->busy != 0;
        return a;
    }
    k->busy += BUSY_VISIT;
    if (k->busy < BUSY_MOVE && !lock_is_mine(&a->lock)) {
        arena_lock(a);
        return a;
    }
    k->busy = 0;
    struct arena *other = arena_choose(a);
    if (other != a) {
        atomic_fetch_sub_explicit(&a->threads, 1, memory_order_relaxed);
        cache_join(k, other);
    }
    return other;
}

static void cache_reverse(void **mem, size_t count)
{
    for (size_t i = 0, j = count; i + 1 < j; i++) {
        void *swapped = mem[i];
        mem[i] = mem[--j];
        mem[j] = swapped;
    }
}

/* A block of one of the next classes, or NULL. Where a refill brings few blocks, a
 * larger one that is at hand spares a visit of the arena. */
static void *cache_take_next(struct cache *k, unsigned class)
{
    for (unsigned i = class + 1; i <= class + NEXT && i < CLASS_COUNT; i++) {
        struct stack *s = &k->stack[i];
        void *mem = s->top[-1];
        if (mem != NULL) {
            trace(TRACE_CACHE_HIT, class_sizes[i]);
            s->top--;
            return mem;
        }
    }
    return NULL;
}

/* Whether so many visits of one kind in a row are a trend; it lasts until one of the other
 * kind, or until they are set to 0. A thread alone need not spare visits, and blocks
 * fetched early are more than it needs. A short trend that the other kind follows moved
 * blocks for nothing: then it takes more visits to make one. */
static bool cache_sees_trend(struct cache *k, uint16_t *visits, bool fills)
{
    if (LIKELY(*visits < k->trend) ||
        atomic_load_explicit(&cache_count, memory_order_relaxed) <= 1)
        return false;
    size_t now = k->trend,
           next = fills == k->trend_fills ? now - now / 8 : now + now / 2;
    k->trend = (uint16_t)clamp_size(next, TREND, TREND_MAX);
    k->trend_fills = fills;
    *visits = TREND_MAX;
    return true;
}

/* A fill of a class that holds at most half of what it may, from the depot alone. */
static bool cache_fill_early(struct cache *k, unsigned class, struct depot *d,
                             struct magazine **empty)
{
    struct stack *s = &k->stack[class];
    const struct stack_state *state = &k->state[class];
    if (2 * (size_t)(s->top - state->base) > state->allowed)
        return false;
    size_t count = depot_take_some(d, class, (state->allowed + 1U) / 2, s->top, empty);
    trace(TRACE_DEPOT_HIT, count);
    move_slot(&s->top, s->top + count);
    return true;
}

/* When nothing came back for long, other classes will soon be empty too: what the depot
 * has for them is taken in the same visit. Returns how many classes got some. */
static unsigned cache_fill_others(struct cache *k, unsigned own, struct depot *d,
                                  struct magazine **empty)
{
    unsigned classes = 0;
    for (unsigned word = 0; word < CLASS_WORDS; word++) {
        uint64_t bits = d->map[word] & k->filled[word];
        if (own / 64 == word)
            bits &= ~(1ULL << (own % 64));
        for (; bits != 0; bits &= bits - 1)
            classes +=
                cache_fill_early(k, word * 64 + count_trailing_zeros(bits), d, empty);
    }
    return classes;
}

/* How many blocks that take `size` bytes each may be cut at once. */
static size_t cache_cut(const struct arena *a, size_t size, size_t least)
{
    return max_size(a->heap_bytes / CUT_PART / size, least);
}

/* Whether the heap has grown by `step` bytes, to a new peak, since `before`, which then is
 * that peak. */
static ALWAYS_INLINE bool cache_sees_peak(const struct arena *a, size_t *before,
                                          size_t step)
{
    size_t peak = atomic_load_explicit(&a->touched, memory_order_relaxed);
    if (LIKELY(peak <= *before + step) || peak < PEAK_LEAST)
        return false;
    *before = peak;
    return true;
}

/* Large chunks of classes that were not asked for since the last time. */
static NOINLINE void cache_send_idle_large(struct cache *k)
{
    for (unsigned class = CLASS_LARGE; class < CLASS_COUNT; class ++) {
        struct stack *s = &k->stack[class];
        void *mem;
        if (k->state[class].active >= k->large_tick)
            continue;
        while ((mem = s->top[-1]) != NULL) {
            move_slot(&s->top, s->top - 1);
            cache_give_large(chunk_of(mem));
        }
    }
    k->large_tick = ++k->tick; /* what comes in at this moment is idle next time */
}

void cache_note_taken(struct cache *k)
{
    if (UNLIKELY(cache_sees_peak(k->arena, &k->large_peak, PEAK_STEP)))
        cache_send_idle_large(k);
}

void *cache_fill(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    struct stack_state *state = &k->state[class];
    cache_widen(k, class);
    void *next = class >= CLASS_EXACT ? cache_take_next(k, class) : NULL;
    if (next != NULL)
        return next;
    if (state->base == NULL || state->allowed == 0) {
        errno = ENOMEM;
        return NULL;
    }
    ASSERT(s->top == state->base);
    /* Twice in a row: nothing comes back, so as much as may be if it is at hand. */
    size_t want = (state->allowed + 1U) / 2;
    size_t most = set_has(k->filled, class) ? state->allowed : want;
    struct magazine *empty = NULL;
    struct arena *a = cache_enter(k);
    set_add(k->filled, class);
    arena_absorb(a);
    if (UNLIKELY(depot_is_scattered(&a->depot, class)))
        arena_sort_class(a, class);
    size_t count = depot_take_some(&a->depot, class, most, state->base, &empty);
    if (count != 0) {
        trace(TRACE_DEPOT_HIT, count);
        cache_note_back(k, count * class_sizes[class]);
    } else {
        want = min_size(want, cache_cut(a, class_sizes[class], CUT_LEAST));
        count = arena_take_batch(a, class_sizes[class], want, state->base);
        cache_reverse(state->base, count);
        trace(TRACE_CACHE_FILL, count);
        arena_note_miss(a, class, count);
    }
    k->fills++;
    if (cache_sees_trend(k, &k->fills, true) &&
        cache_fill_others(k, class, &a->depot, &empty) < TREND_CLASSES)
        k->fills = 0;
    k->flushes = 0;
    a->counts.fills++;
    PROBE2(refill, class_sizes[class], count);
    arena_settle(a);
    bool peaks = cache_sees_peak(a, &k->peak, k->peak / PEAK_PART);
    bool large = cache_sees_peak(a, &k->large_peak, PEAK_STEP);
    arena_unlock(a);
    cache_keep_spares(k, empty);
    void *mem = NULL;
    if (count != 0) {
        s->top = state->base + count - 1;
        mem = *s->top;
    }
    if (UNLIKELY(peaks)) {
        cache_send_own(k, CACHE_IDLE);
        k->peak_tick = k->tick;
    }
    if (UNLIKELY(large))
        cache_send_idle_large(k);
    return mem;
}

/* A trim threshold that the program set is kept to the letter, as in glibc: once more
 * than that is free, what comes last, and may lie at the top, goes home at once. */
RACE_IS_KNOWN static bool cache_yields(const struct cache *k)
{
    return UNLIKELY(tune.trim_set != 0) &&
           k->arena->heap_bytes >
               tune.trim_threshold +
                   atomic_load_explicit(&k->arena->live, memory_order_relaxed);
}

/* Sends the older half of a class home, to whatever arenas. */
static NOINLINE void cache_send_away(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    void **base = k->state[class].base, **top = s->top;
    void *flushed[ROOM_MAX];
    size_t count = (size_t)(top - base), oldest = (count + 1) / 2;
    move_slot(&s->top, base); /* a signal must not find anything twice */
    memcpy(flushed, base, oldest * sizeof(void *));
    memmove(base, base + oldest, (count - oldest) * sizeof(void *));
    move_slot(&s->top, top - oldest);
    cache_send_all(k, class, flushed, oldest);
}

/* The budget fell a good deal: what a class has just sent home it may not take again. */
static void cache_narrow(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    struct stack_state *state = &k->state[class];
    size_t wanted = (size_t)(s->top - state->base) + 1;
    if (wanted >= state->allowed)
        return;
    k->capacity -= (state->allowed - wanted) * class_sizes[class];
    state->allowed = (uint16_t)wanted;
    s->limit = state->base + wanted;
}

/* Sends the older half of a full class home; and when nothing was taken for long, that of
 * other classes, which will soon be full too, in the same visit. */
static void cache_make_room(struct cache *k, unsigned class)
{
    const struct stack *s = &k->stack[class];
    k->flushes++;
    cache_note_sent(k, class);
    if (!cache_sees_trend(k, &k->flushes, false))
        cache_send_half(k, class);
    else if (cache_send_own(k, CACHE_HALVES) < TREND_CLASSES)
        k->flushes = 0;
    if (s->top == s->limit)
        cache_send_away(k, class);
    if (UNLIKELY(k->capacity > k->budget + k->budget / 4))
        cache_narrow(k, class);
}

void cache_flush(struct cache *k, unsigned class, void *mem)
{
    struct stack *s = &k->stack[class];
    struct stack_state *state = &k->state[class];
    if (s->top == s->limit && !cache_widen(k, class)) {
        /* No stack of pointers yet, and no memory for one: the dummy has no base. */
        if (state->base == NULL || s->top == state->base || cache_yields(k)) {
            cache_send_all(k, class, &mem, 1);
            return;
        }
        cache_make_room(k, class);
    }
    set_remove(k->filled, class);
    k->fills = 0;
    trace(TRACE_CACHE_PUT, class_sizes[class]);
    *s->top = mem;
    advance_slot(&s->top);
}

void *cache_take_large(struct cache *k, unsigned class)
{
    void *mem = cache_pop_large(k, class);
    if (mem == NULL)
        return cache_take_next(k, class);
    trace(TRACE_CACHE_HIT, class_sizes[class]);
    return mem;
}

/* One of the newest few blocks of a stack whose address is right, out of it, or NULL. */
static void *cache_find_aligned(struct stack *s, size_t align)
{
    for (int i = 1; i <= LOOK_BACK; i++) {
        void *mem = s->top[-i];
        if (mem == NULL)
            return NULL;
        if (((uintptr_t)mem & (align - 1)) == 0) {
            void **top = s->top - 1;
            move_slot(&s->top, top);
            top[1 - i] = *top;
            return mem;
        }
    }
    return NULL;
}

/* Whether a class missed this alignment some times in a row. */
static ALWAYS_INLINE bool cache_is_aligned(const struct cache *k, unsigned class,
                                           size_t align)
{
    return k->aligned[class] == SAME_ALIGNED * 64 + log2_floor(align);
}

static void cache_note_alignment(struct cache *k, unsigned class, size_t align)
{
    uint8_t *seen = &k->aligned[class];
    unsigned log2 = log2_floor(align);
    if ((*seen & 63U) != log2)
        *seen = (uint8_t)log2;
    else if (*seen < SAME_ALIGNED * 64)
        *seen = (uint8_t)(*seen + 64);
}

/* Chunk size for such blocks: that of blocks one behind the other, where they stay near
 * their class so. */
static ALWAYS_INLINE size_t cache_aligned_size(unsigned class, size_t align)
{
    size_t size = class_sizes[class], whole = align_up(size, align);
    size_t most =
        class < CLASS_EXACT ? (size_t)NEXT_ALIGNED * CHUNK_ALIGN : size / NEXT_PART;
    return whole - size <= most ? whole : size;
}

void *cache_take_aligned(struct cache *k, unsigned class, size_t align)
{
    unsigned next = class < CLASS_EXACT ? NEXT_ALIGNED : NEXT, first = class;
    if (cache_is_aligned(k, class, align))
        first = class_floor(cache_aligned_size(class, align));
    k->state[first].active = ++k->tick;
    for (unsigned i = first, other = class;; i = other++) {
        void *mem = cache_find_aligned(&k->stack[i], align);
        if (mem != NULL)
            trace(TRACE_CACHE_HIT, class_sizes[i]);
        other += other == first;
        if (mem != NULL || other > class + next || other >= CLASS_COUNT)
            return mem;
    }
}

/* Up to `room` blocks out of an arena that is locked: the depot's, if those of this class are
 * aligned, or cut as a run. */
static size_t cache_fetch_aligned(struct arena *a, unsigned class, size_t size,
                                  size_t align, size_t room, void **out,
                                  struct magazine **empty)
{
    arena_absorb(a);
    if (depot_is_aligned(&a->depot, class, align))
        return depot_take_some(&a->depot, class, room, out, empty);
    size_t want = min_size(room, cache_cut(a, align_up(size, align), 1));
    size_t count = arena_take_aligned_batch(a, size, align, want, out);
    /* The last one, which may be larger by what was left, is the first to go. */
    cache_reverse(out, count - (count != 0));
    arena_note_miss(a, class, count);
    return count;
}

void *cache_fill_aligned(struct cache *k, unsigned class, size_t align)
{
    if (class >= CLASS_LARGE)
        return NULL;
    cache_note_alignment(k, class, align);
    if (!cache_is_aligned(k, class, align))
        return NULL;
    size_t size = cache_aligned_size(class, align);
    class = class_floor(size);
    cache_widen(k, class);
    struct stack *s = &k->stack[class];
    size_t room =
        min_size((size_t)(s->limit - s->top), (k->state[class].allowed + 1U) / 2);
    if (k->state[class].base == NULL || room == 0)
        return NULL;
    struct magazine *empty = NULL;
    struct arena *a = cache_enter(k);
    size_t count = cache_fetch_aligned(a, class, size, align, room, s->top, &empty);
    k->flushes = 0;
    a->counts.fills++;
    PROBE2(refill, class_sizes[class], count);
    trace(TRACE_CACHE_FILL, count);
    arena_settle(a);
    arena_unlock(a);
    cache_keep_spares(k, empty);
    /* The depot's were looked at only in part. */
    move_slot(&s->top, s->top + count);
    return cache_find_aligned(s, align);
}

void cache_keep_large(struct cache *k, unsigned class, struct chunk *c)
{
    struct stack *s = &k->stack[class];
    if (s->top == s->limit && !cache_widen(k, class)) {
        cache_give_large(c);
        return;
    }
    trace(TRACE_CACHE_PUT, class_sizes[class]);
    *s->top = mem_of(c);
    advance_slot(&s->top);
}

void cache_list_lock(void)
{
    lock_take(&cache_lock);
}

void cache_list_unlock(void)
{
    lock_give(&cache_lock);
}

void cache_list_orphan(const struct cache *own)
{
    for (struct cache *k = cache_list; k != NULL; k = k->next) {
        if (k != own && k->thread != 0) {
            k->thread = 0;
            atomic_fetch_sub_explicit(&k->arena->threads, 1, memory_order_relaxed);
            atomic_fetch_sub_explicit(&cache_count, 1, memory_order_relaxed);
        }
    }
}
