/* Thread caches: slow start, flush to several arenas, depots and remote lists, nothing
 * lost on the way, no memory. */
#include "support/unit.h"

#include "core/meta.h"
#include "core/sieve.h"
#include "front/cache.h"
#include "front/options.h"
#include "front/supply.h"
#include "front/thread.h"
#include "support/os_fake.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#ifndef CHUNKY_HARD_NOCACHE
#define CHUNKY_HARD_NOCACHE 0
#endif

static struct cache *k;

static int cache_setup(void **state)
{
    (void)state;
    thread_start_process();
    k = cache_create();
    return k == NULL;
}

static int cache_teardown(void **state)
{
    (void)state;
    cache_destroy(k);
    return 0;
}

static size_t cache_held(unsigned class)
{
    const struct stack_state *state = &k->state[class];
    return state->base == NULL ? 0 : (size_t)(k->stack[class].top - state->base);
}

static size_t cache_allowed(unsigned class)
{
    return k->state[class].allowed;
}

/* What malloc does. */
static void *cache_get(unsigned class)
{
    struct stack *s = &k->stack[class];
    void *mem = s->top[-1];
    if (mem == NULL)
        return cache_fill(k, class);
    s->top--;
    return mem;
}

/* What free does. */
static void cache_put(unsigned class, void *mem)
{
    struct stack *s = &k->stack[class];
    if (s->top == s->limit)
        cache_flush(k, class, mem);
    else
        *s->top++ = mem;
}

/* Takes `count` blocks of a class and frees them all, `turns` times. */
static void cache_swing(unsigned class, size_t count, unsigned turns)
{
    static void *mem[4096];
    assert_true(count <= 4096);
    while (turns-- > 0) {
        for (size_t i = 0; i < count; i++)
            assert_non_null(mem[i] = cache_get(class));
        for (size_t i = 0; i < count; i++)
            cache_put(class, mem[i]);
    }
}

/* A cache in which nothing bounced, in the arena of the others. */
static struct cache *cache_new_thread(void)
{
    cache_free_parked();
    struct cache *new = cache_create();
    assert_non_null(new);
    return new;
}

/* Its budget once it has forgotten what bounced, and worked it out again. */
static size_t cache_budget_without(void)
{
    static void *mem[4096];
    uint32_t tick = k->tick;
    size_t count = 0;
    for (k->bounced = k->sent = 0; k->tick - tick < 32; count++) {
        assert_true(count < 4096);
        assert_non_null(mem[count] = cache_get(20));
    }
    size_t budget = k->budget;
    while (count-- > 0)
        cache_put(20, mem[count]);
    return budget;
}

/* What overflowed and was asked for again makes the budget larger; what only comes in, or
 * only goes out, does not; many threads get nothing for it. */
static void cache_holds_what_bounces(void **state)
{
    (void)state;
    if (CHUNKY_HARD_NOCACHE)
        skip();
    struct cache *own = k;
    k = cache_new_thread();
    cache_swing(3, 4096, 1);
    cache_destroy(k); /* the depot has them now */
    k = cache_new_thread();
    static void *mem[4096];
    for (size_t i = 0; i < 4096; i++)
        assert_non_null(mem[i] = cache_get(3));
    assert_int_equal(k->bounced, 0);
    for (size_t i = 0; i < 4096; i++)
        cache_put(3, mem[i]);
    assert_int_equal(k->bounced, 0);
    assert_int_not_equal(k->sent, 0);

    cache_swing(3, 4096, 40);
    size_t sent = k->sent, budget = k->budget;
    for (size_t i = 0; i < 4096; i++)
        assert_non_null(mem[i] = cache_get(3));
    assert_true(k->sent < sent); /* what came back counts once */
    for (size_t i = 0; i < 4096; i++)
        cache_put(3, mem[i]);
    assert_true(k->bounced > 64 * KIB && k->bounced <= 512 * KIB);
    assert_true(cache_budget_without() + 64 * KIB < budget);
    struct cache *more[16];
    for (unsigned i = 0; i < 16; i++)
        assert_non_null(more[i] = cache_create());
    cache_swing(3, 4096, 40);
    budget = k->budget;
    assert_true(k->bounced > 64 * KIB);
    assert_true(cache_budget_without() + 32 * KIB > budget);
    for (unsigned i = 0; i < 16; i++)
        cache_destroy(more[i]);

    cache_swing(3, 4096, 40);
    size_t bounced = k->bounced;
    k->sent = 0;
    for (size_t i = 0; i < 4096; i++)
        assert_non_null(mem[i] = cache_get(2));
    assert_true(k->bounced < bounced); /* it fades where nothing comes back */
    for (size_t i = 0; i < 4096; i++)
        cache_put(2, mem[i]);
    cache_destroy(k);
    k = own;
}

static void cache_dummy_is_empty_and_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        assert_null(cache_dummy.stack[i].top[-1]);
        assert_ptr_equal(cache_dummy.stack[i].top, cache_dummy.stack[i].limit);
    }
    assert_int_equal(cache_dummy.address_key, 0);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        assert_null(k->stack[i].top[-1]);
        assert_ptr_equal(k->stack[i].top, k->stack[i].limit);
    }
}

static void cache_stack_addresses(void **state)
{
    (void)state;
    assert_ptr_equal(stack_exact(k, 0), &k->nothing);
    for (unsigned class = 1; class < CLASS_EXACT; class ++)
        assert_ptr_equal(stack_exact(k, class_sizes[class]), &k->stack[class]);
    for (unsigned class = 0; class + 1 < CLASS_LARGE; class ++) {
        assert_ptr_equal(stack_at(k, 2 * class), &k->stack[class]);
        assert_ptr_equal(stack_above(k, 2 * class), &k->stack[class + 1]);
    }
}

/* Blocks of `from` are in the cache: an aligned request for `class` gets one of them. */
static bool cache_aligned_from(unsigned from, unsigned class)
{
    void *mem = cache_take_aligned(k, class, 32);
    if (mem == NULL)
        return false;
    assert_int_equal((uintptr_t)mem % 32, 0);
    assert_true(chunk_size(chunk_of(mem)) >= class_sizes[from]);
    cache_put(from, mem);
    return true;
}

/* Four classes above are looked at, two above 1 KiB. */
static void cache_aligned_from_above(void **state)
{
    (void)state;
    if (CHUNKY_HARD_NOCACHE)
        skip();
    const unsigned filled[] = {20, 80}, reach[] = {4, 2};
    for (unsigned i = 0; i < 2; i++) {
        void *mem[6];
        for (unsigned j = 0; j < 6; j++)
            mem[j] = cache_get(filled[i]);
        for (unsigned j = 0; j < 6; j++)
            cache_put(filled[i], mem[j]);
        for (unsigned below = 0; below <= reach[i]; below++)
            assert_true(cache_aligned_from(filled[i], filled[i] - below));
        assert_false(cache_aligned_from(filled[i], filled[i] - reach[i] - 1));
        assert_false(cache_aligned_from(filled[i], filled[i] + 1));
        cache_empty(k);
    }
}

static void cache_slow_start(void **state)
{
    (void)state;
    if (CHUNKY_HARD_NOCACHE)
        skip();
    enum { CLASS = 5, COUNT = 5000 };
    static void *mem[COUNT];
    size_t allowed = 0, steps = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        mem[i] = cache_get(CLASS);
        assert_non_null(mem[i]);
        assert_int_equal(chunk_size(chunk_of(mem[i])), class_sizes[CLASS]);
        assert_true(chunk_is_idle(&heap_keys, chunk_of(mem[i])));
        if (cache_allowed(CLASS) != allowed) {
            assert_true(allowed == 0 || cache_allowed(CLASS) <= 2 * allowed + 1);
            allowed = cache_allowed(CLASS);
            steps++;
        }
        assert_true(cache_held(CLASS) <= allowed);
    }
    assert_true(steps >= 5);
    assert_true(allowed <= 511);
    assert_true(k->capacity >= allowed * class_sizes[CLASS]);
    for (unsigned i = 0; i < COUNT; i++) {
        cache_put(CLASS, mem[i]);
        assert_true(cache_held(CLASS) <= cache_allowed(CLASS));
    }
    /* The newest stays on top. */
    assert_ptr_equal(cache_get(CLASS), mem[COUNT - 1]);
    cache_put(CLASS, mem[COUNT - 1]);
}

static void cache_every_class(void **state)
{
    (void)state;
    for (unsigned class = 1; class < CLASS_LARGE; class ++) {
        void *mem[8];
        for (unsigned i = 0; i < 8; i++) {
            mem[i] = cache_get(class);
            assert_true(chunk_size(chunk_of(mem[i])) >= class_sizes[class]);
            memset(mem[i], 0x11, class_sizes[class] - CHUNK_OVERHEAD);
        }
        for (unsigned i = 0; i < 8; i++)
            cache_put(class, mem[i]);
    }
    assert_true(k->capacity <= tune.cache_bytes);
}

static void cache_budget_holds(void **state)
{
    (void)state;
    size_t saved = tune.cache_total;
    tune.cache_total = 64 * KIB;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned class = 1; class < CLASS_LARGE; class ++) {
            void *mem[40];
            for (unsigned i = 0; i < 40; i++)
                mem[i] = cache_get(class);
            for (unsigned i = 0; i < 40; i++)
                cache_put(class, mem[i]);
        }
    }
    /* One block a class is always allowed; the rest fits into the budget. */
    size_t least = 0;
    for (unsigned class = 1; class < CLASS_LARGE; class ++)
        least += class_sizes[class] * (size_t)8;
    assert_true(k->capacity <= least + 256 * KIB);
    tune.cache_total = saved;
}

/* When the budget falls, busy classes give their share up at the next overflows: what is
 * freed then stays in no cache. */
static void cache_narrows_with_its_budget(void **state)
{
    (void)state;
    if (CHUNKY_HARD_NOCACHE)
        skip();
    enum { FIRST = 40, LAST = 60, COUNT = 400 };
    static void *mem[LAST - FIRST][COUNT];
    size_t saved = tune.cache_total;
    for (unsigned way = 0; way < 2; way++)
        for (unsigned i = 0; i < COUNT; i++)
            for (unsigned n = 0; n < LAST - FIRST; n++)
                if (way == 0)
                    mem[n][i] = cache_get(FIRST + n);
                else if (i < COUNT / 2)
                    cache_put(FIRST + n, mem[n][i]);
    size_t wide = k->capacity;
    tune.cache_total = 0;
    for (unsigned i = COUNT / 2; i < COUNT; i++)
        for (unsigned n = 0; n < LAST - FIRST; n++)
            cache_put(FIRST + n, mem[n][i]);
    assert_true(k->capacity < wide / 2);
    for (unsigned n = FIRST; n < LAST; n++)
        assert_true(cache_held(n) <= cache_allowed(n));
    tune.cache_total = saved;
}

/* A refill cuts no more at once than a part of the heap. */
static void cache_cuts_little_of_a_small_heap(void **state)
{
    (void)state;
    enum { CLASS = 37, FILLS = 5 }; /* of 608 bytes */
    void *mem[FILLS * 8];
    unsigned count = 0;
    for (unsigned fill = 0; fill < FILLS; fill++) {
        size_t part = k->arena->heap_bytes / 256 / class_sizes[CLASS];
        if (part >= 8)
            skip(); /* earlier tests made it too large to tell */
        mem[count++] = cache_get(CLASS);
        assert_true(cache_held(CLASS) + 1 <= (part < 2 ? 2 : part));
        while (cache_held(CLASS) != 0)
            mem[count++] = cache_get(CLASS);
    }
    assert_true(cache_allowed(CLASS) >= 16 || CHUNKY_HARD_NOCACHE);
    while (count > 0)
        cache_put(CLASS, mem[--count]);
}

/* What a class holds that is used no more goes home once the heap grows to new peaks; that of
 * one that is stays. */
static void cache_idle_classes_go_home(void **state)
{
    (void)state;
    enum { IDLE = 20, BUSY = 30, GROWS = 60, MANY = 40000 };
    static void *mem[MANY];
    unsigned count = 0;
    cache_put(IDLE, cache_get(IDLE));
    cache_put(BUSY, cache_get(BUSY));
    size_t idle = cache_held(IDLE), start = k->arena->heap_bytes;
    assert_true(idle > 0);
    while (k->arena->heap_bytes < start + start / 4 + 3 * MIB) {
        assert_true(count < MANY);
        mem[count++] = cache_get(GROWS);
        k->state[BUSY].active = k->tick;
    }
    assert_int_equal(cache_held(IDLE), 0);
    assert_true(cache_held(BUSY) > 0);
    while (count > 0)
        cache_put(GROWS, mem[--count]);
}

/* A large chunk of a class, idle. */
static struct chunk *cache_large(unsigned class)
{
    struct chunk *c = supply_take(class_sizes[class], CHUNK_ALIGN, NULL);
    assert_non_null(c);
    return c;
}

/* Large chunks that nobody asks for go home soon where pages are used that never were, by
 * whatever is asked for; in a heap that stays as large as it is they stay. */
static void cache_idle_large_go_home(void **state)
{
    (void)state;
    enum {
        IDLE = CLASS_LARGE + 4,
        BUSY = CLASS_LARGE + 8,
        GROWS = 60,
        STEP = 128 * KIB
    };
    static void *mem[4096];
    struct arena *a = k->arena;
    for (unsigned small = 0; small < 2; small++) {
        unsigned count = 0;
        /* What other tests left is used up. */
        for (size_t start = a->touched; a->touched < max_size(start + 1, 3 * MIB);) {
            assert_true(count < 4096);
            mem[count++] = mem_of(cache_large(BUSY));
        }
        cache_note_taken(k);
        cache_keep_large(k, IDLE, cache_large(IDLE));
        cache_keep_large(k, BUSY, cache_large(BUSY));
        unsigned kept = count;
        cache_note_taken(k); /* they were just used */
        assert_int_equal(cache_held(IDLE), 1);
        for (unsigned step = 0; step < 3; step++) {
            for (size_t start = a->touched; a->touched <= start + STEP;) {
                assert_true(count < 4096);
                mem[count++] = small ? cache_get(GROWS) : mem_of(cache_large(IDLE));
                if (!small)
                    cache_note_taken(k);
                cache_keep_large(k, BUSY, chunk_of(cache_pop_large(k, BUSY)));
            }
        }
        assert_int_equal(cache_held(IDLE), 0);
        assert_int_equal(cache_held(BUSY), 1);
        /* What was grown to is no growth. */
        while (count > kept && small)
            cache_put(GROWS, mem[--count]);
        while (count > 0)
            arena_give(a, chunk_of(mem[--count]));
        cache_keep_large(k, IDLE, cache_large(IDLE));
        for (unsigned i = 0; i < 100; i++) {
            struct chunk *c = cache_large(IDLE);
            cache_note_taken(k);
            arena_give(a, c);
        }
        assert_int_equal(cache_held(IDLE), 1);
        cache_give_large(chunk_of(cache_pop_large(k, IDLE)));
        cache_give_large(chunk_of(cache_pop_large(k, BUSY)));
    }
}

/* By way of the depot as in the cache alone: what was freed last is taken first, so that
 * neighbours stay neighbours. */
static void cache_order_survives_the_depot(void **state)
{
    (void)state;
    enum { CLASS = 3, MANY = 3000 };
    static void *mem[MANY];
    if (CHUNKY_HARD_NOCACHE)
        skip();
    for (unsigned i = 0; i < MANY; i++)
        assert_non_null(mem[i] = cache_get(CLASS));
    for (unsigned i = 0; i < MANY; i++)
        cache_put(CLASS, mem[i]);
    assert_true(k->arena->depot.full[CLASS] != NULL);
    unsigned turned = 0;
    for (unsigned i = MANY; i-- > 0;)
        turned += cache_get(CLASS) != mem[i];
    assert_int_equal(turned, 0);
    for (unsigned i = 0; i < MANY; i++)
        cache_put(CLASS, mem[i]);
}

/* Takes `count` blocks of `classes` classes from `first` on in turn, and frees them in no
 * order. */
static void cache_take_and_free(void **mem, unsigned count, unsigned first,
                                unsigned classes)
{
    for (unsigned i = 0; i < count; i++)
        assert_non_null(mem[i] = cache_get(first + i % classes));
    for (unsigned i = 0, j = 0; i < count; i++, j = (j + 7919) % count)
        cache_put(first + j % classes, mem[j]);
}

/* What is all freed and all taken again rests in the depot from then on, and not in bins; once
 * other sizes are asked for, the bins have it, and the heap does not grow for them. It goes
 * with time, too. */
static void cache_keeps_what_comes_back(void **state)
{
    (void)state;
    enum { FIRST = 20, CLASSES = 20, MANY = 20000, OTHER = 60, FEW = 4000 };
    static void *mem[MANY];
    struct arena *a = k->arena;
    if (CHUNKY_HARD_NOCACHE)
        skip(); /* one block a class does not tell a fall from a replacement */
    for (unsigned i = 0; i < 2; i++) {
        os_fake.clock += 5000;
        supply_expire(); /* what the other tests taught it */
    }
    cache_take_and_free(mem, MANY, FIRST, CLASSES);
    /* Those that share their pages with what is in use stay in any case. */
    size_t first = a->depot.bytes;
    for (unsigned round = 0; round < 5; round++)
        cache_take_and_free(mem, MANY, FIRST, CLASSES);
    size_t now = a->depot.bytes, peak = a->heap_peak;
    assert_true(now > first + first / 2 && now > 6 * MIB);
    for (unsigned i = 0; i < FEW; i++)
        assert_non_null(mem[i] = cache_get(OTHER));
    assert_true(a->heap_peak <= peak + peak / 16);
    assert_true(a->depot.bytes - a->depot.rest < now / 4);
    assert_true(a->depot.bytes < now / 3 * 2);
    for (unsigned i = 0; i < FEW; i++)
        cache_put(OTHER, mem[i]);
    /* And once nobody comes by, another thread's call has it go. */
    for (unsigned round = 0; round < 5; round++)
        cache_take_and_free(mem, MANY, FIRST, CLASSES);
    assert_true(a->depot.bytes > first + first / 2);
    os_fake.clock += 5000;
    supply_expire();
    assert_true(a->depot.bytes < now / 3 * 2);
    a->depot.tally.stale = true; /* counted anew, no idle whole pages are left */
    assert_true(a->depot.bytes <= first + first / 4 ||
                (sieve_count(a) && a->depot.tally.pages <= 16));
}

static void *cache_choose_and_keep(void *busy)
{
    return arena_choose(busy);
}

/* An arena that is not this cache's, unlocked. */
static struct arena *cache_foreign_arena(void)
{
    pthread_t thread;
    void *got;
    arena_lock(&arena_main);
    assert_int_equal(pthread_create(&thread, NULL, cache_choose_and_keep, &arena_main),
                     0);
    pthread_join(thread, &got);
    arena_unlock(&arena_main);
    arena_unlock(got);
    assert_ptr_not_equal(got, &arena_main);
    return got;
}

static size_t cache_waiting(struct arena *a)
{
    return a->depot.bytes + a->remote.bytes;
}

/* One who only frees, or only takes, of many classes in turn: a visit serves them all. */
static void cache_serves_others_too(void **state)
{
    enum { CLASSES = 40, EACH = 100 };
    static void *mem[EACH][CLASSES];
    (void)state;
    if (CHUNKY_HARD_NOCACHE)
        skip();
    uint64_t visits[2] = {0, 0};
    struct cache *other = cache_create(); /* a thread alone need not spare visits */
    assert_non_null(other);
    for (int round = 0; round < 3; round++) {
        uint64_t before = k->arena->counts.fills;
        for (unsigned i = 0; i < EACH; i++)
            for (unsigned class = 1; class <= CLASSES; class ++) {
                mem[i][class - 1] = cache_get(class);
                assert_non_null(mem[i][class - 1]);
                assert_true(chunk_size(chunk_of(mem[i][class - 1])) >=
                            class_sizes[class]);
            }
        visits[0] = k->arena->counts.fills - before;
        before = k->arena->counts.flushes;
        for (unsigned i = 0; i < EACH; i++)
            for (unsigned class = 1; class <= CLASSES; class ++)
                cache_put(class, mem[i][class - 1]);
        visits[1] = k->arena->counts.flushes - before;
    }
    print_message("%d blocks: %d fills, %d flushes\n", CLASSES * EACH, (int)visits[0],
                  (int)visits[1]);
    cache_destroy(other);
    assert_true(visits[0] < CLASSES * EACH / 100);
    assert_true(visits[1] < CLASSES * EACH / 100);
}

static void cache_flush_goes_home(void **state)
{
    (void)state;
    enum { CLASS = 9, COUNT = 60 };
    void *mine[COUNT], *theirs[COUNT];
    struct arena *a = cache_foreign_arena();
    assert_ptr_equal(k->arena, &arena_main);
    size_t size = class_sizes[CLASS];
    cache_empty(k);
    arena_lock(&arena_main);
    arena_drain(&arena_main, 0);
    arena_unlock(&arena_main);
    size_t before_mine = cache_waiting(&arena_main), before_theirs = cache_waiting(a);
    arena_lock(&arena_main);
    assert_int_equal(arena_take_batch(&arena_main, size, COUNT, mine), COUNT);
    arena_unlock(&arena_main);
    arena_lock(a);
    assert_int_equal(arena_take_batch(a, size, COUNT, theirs), COUNT);
    arena_unlock(a);
    for (unsigned i = 0; i < COUNT; i++) {
        cache_put(CLASS, mine[i]);
        cache_put(CLASS, theirs[i]);
    }
    cache_empty(k);
    assert_int_equal(cache_held(CLASS), 0);
    assert_int_equal(cache_waiting(&arena_main) - before_mine, COUNT * size);
    assert_int_equal(cache_waiting(a) - before_theirs, COUNT * size);
    assert_int_equal(a->depot.bytes, 0); /* lock-free: its own refill takes them */
    for (struct magazine *m = a->remote.list; m != NULL; m = m->next)
        for (unsigned i = 0; i < m->count; i++)
            assert_ptr_equal(arena_of(magazine_at(m, i)), a);
    arena_lock(a);
    arena_absorb(a);
    assert_int_equal(a->depot.bytes, before_theirs + COUNT * size);
    arena_unlock(a);
}

static void *cache_give_in_thread(void *c)
{
    cache_give_large(c);
    return NULL;
}

/* A large block of an arena that is locked: its free does not wait. */
static void cache_large_does_not_wait(void **state)
{
    (void)state;
    pthread_t thread;
    arena_lock(&arena_main);
    struct chunk *c = arena_take(&arena_main, 600 * KIB, NULL);
    size_t before = arena_main.remote.bytes;
    assert_int_equal(pthread_create(&thread, NULL, cache_give_in_thread, c), 0);
    pthread_join(thread, NULL);
    assert_int_equal(arena_main.remote.bytes - before, chunk_size(c));
    arena_absorb(&arena_main);
    assert_int_equal(arena_main.remote.bytes, 0);
    assert_true(chunk_idle_state(c) != IDLE_OUT || c == arena_main.top ||
                !chunk_is_live(&heap_keys, c));
    arena_unlock(&arena_main);
}

static void cache_without_memory(void **state)
{
    (void)state;
    enum { CLASS = 100 };
    cache_empty(k);
    os_fake.fail_for_ever = true;
    os_fake.fail_after = 1;
    unsigned got = 0;
    void *last = NULL;
    static void *mem[100000];
    while (got < 100000 && (last = cache_get(CLASS)) != NULL)
        mem[got++] = last;
    assert_null(last);
    assert_int_equal(errno, ENOMEM);
    /* Flushing works without memory: block by block if need be. */
    for (unsigned i = 0; i < got; i++)
        cache_put(CLASS, mem[i]);
    os_fake.fail_for_ever = false;
    os_fake.fail_after = 0;
    last = cache_get(CLASS);
    assert_non_null(last);
    cache_put(CLASS, last);
}

/* After all caches are gone and everything is merged, the arena is empty again. */
static void cache_gives_all_back(void **state)
{
    (void)state;
    for (unsigned class = 1; class < CLASS_LARGE; class ++)
        for (unsigned i = 0; i < 3; i++)
            cache_put(class, cache_get(class));
    unsigned threads = k->arena->threads;
    struct arena *a = k->arena;
    cache_destroy(k);
    assert_int_equal(a->threads, threads - 1);
    arena_lock(&arena_main);
    arena_absorb(&arena_main);
    arena_drain(&arena_main, 0);
    arena_consolidate(&arena_main);
    assert_int_equal(arena_main.depot.bytes, 0);
    arena_unlock(&arena_main);
    k = cache_create();
    assert_non_null(k);
}

/* The cache of a thread that ended waits, empty and as wide as it was, for the next one; if
 * that may hold less, its classes start anew. */
static void cache_waits_for_a_thread(void **state)
{
    (void)state;
    struct cache *own = k, *first = cache_create();
    size_t total = tune.cache_total;
    k = first;
    for (unsigned i = 0; i < 40; i++) {
        void *mem = cache_get(7), *other = cache_get(7);
        cache_put(7, mem);
        cache_put(7, other);
    }
    size_t capacity = k->capacity, allowed = cache_allowed(7);
    assert_true(allowed > 1 || CHUNKY_HARD_NOCACHE);
    cache_destroy(k);
    k = cache_create();
    assert_ptr_equal(k, first);
    assert_int_equal(k->capacity, capacity);
    assert_int_equal(cache_allowed(7), allowed);
    for (unsigned class = 1; class < CLASS_COUNT; class ++)
        assert_int_equal(cache_held(class), 0);
    cache_put(7, cache_get(7));
    cache_destroy(k);
    tune.cache_total = 0;
    k = cache_create();
    assert_true(k->capacity <= k->budget);
    assert_true(cache_allowed(7) == 0 || k->budget != 0);
    tune.cache_total = total;
    cache_put(7, cache_get(7));
    cache_destroy(k);
    k = own;
}

/* Not more of them wait than a few. */
static void cache_few_wait(void **state)
{
    (void)state;
    enum { COUNT = 12, PARKED = 8 };
    struct cache *c[COUNT];
    supply_give_back(0);
    size_t used = meta.used;
    for (unsigned i = 0; i < COUNT; i++)
        assert_non_null(c[i] = cache_create());
    size_t each = (meta.used - used) / COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        cache_destroy(c[i]);
    assert_int_equal(meta.used - used, PARKED * each);
    supply_give_back(0); /* malloc_trim */
    assert_int_equal(meta.used, used);
}

/* In a fork's child the caches of other threads stay as they are, and count no more. */
static void cache_orphans_are_left_alone(void **state)
{
    (void)state;
    struct cache *own = k, *orphan = cache_create();
    k = orphan;
    for (unsigned i = 0; i < 20; i++)
        cache_put(7, cache_get(7));
    size_t held = cache_held(7);
    unsigned attached = orphan->arena->threads;
    k = own;
    cache_list_lock();
    cache_list_orphan(own);
    cache_list_orphan(own); /* a child that forks again */
    cache_list_unlock();
    assert_int_equal(orphan->thread, 0);
    assert_int_not_equal(own->thread, 0);
    assert_int_equal(orphan->arena->threads, attached - 1);
    void *mem = cache_get(7);
    assert_non_null(mem);
    cache_put(7, mem);
    k = orphan;
    assert_int_equal(cache_held(7), held);
    k = own;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_dummy_is_empty_and_full),
        cmocka_unit_test(cache_stack_addresses),
        cmocka_unit_test(cache_aligned_from_above),
        cmocka_unit_test(cache_cuts_little_of_a_small_heap),
        cmocka_unit_test(cache_slow_start),
        cmocka_unit_test(cache_every_class),
        cmocka_unit_test(cache_budget_holds),
        cmocka_unit_test(cache_narrows_with_its_budget),
        cmocka_unit_test(cache_idle_classes_go_home),
        cmocka_unit_test(cache_idle_large_go_home),
        cmocka_unit_test(cache_order_survives_the_depot),
        cmocka_unit_test(cache_keeps_what_comes_back),
        cmocka_unit_test(cache_serves_others_too),
        cmocka_unit_test(cache_flush_goes_home),
        cmocka_unit_test(cache_large_does_not_wait),
        cmocka_unit_test(cache_without_memory),
        cmocka_unit_test(cache_gives_all_back),
        cmocka_unit_test(cache_waits_for_a_thread),
        cmocka_unit_test(cache_few_wait),
        cmocka_unit_test(cache_holds_what_bounces),
        cmocka_unit_test(cache_orphans_are_left_alone),
    };
    return cmocka_run_group_tests(tests, cache_setup, cache_teardown);
}
