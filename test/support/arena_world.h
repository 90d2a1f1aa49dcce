/*
 * A fresh arena over the scripted OS for each test of core, and a walk over all of its
 * chunks that checks every header and adds up who holds what.
 */
#ifndef TEST_SUPPORT_ARENA_WORLD_H
#define TEST_SUPPORT_ARENA_WORLD_H

#include "support/unit.h"

#include "core/binned.h"
#include "core/take.h"
#include "os/os.h"
#include "support/os_fake.h"

#include <string.h>

static struct tune world_tune;
static struct arena world_other;

/* Empties the list of spare heaps, which outlives the tests. */
static inline void world_drop_spares(void)
{
    for (;;) {
        unsigned reserves = os_fake.reserves;
        struct heap *h = heap_create_spanned(&world_other, 64, 0, &world_tune);
        os_unmap(h, HEAP_SPAN);
        if (os_fake.reserves != reserves)
            return;
    }
}

/* Arena 0 is the main one, on the break; 1 has spanned heaps. */
static inline struct arena *world_new(unsigned index)
{
    os_fake_reset();
    class_init();
    os_random(&heap_keys, sizeof heap_keys);
    memset(&world_tune, 0, sizeof world_tune);
    world_tune.depot_bytes = 64 * KIB;
    world_tune.fast_max = 128;
    world_tune.fast_bytes = 64 * KIB;
    world_tune.mmap_threshold = 128 * KIB;
    world_tune.mmap_threshold_max = 32 * MIB;
    world_tune.mmap_max = 65536;
    world_tune.trim_threshold = 128 * KIB;
    world_tune.purge_base = 2 * MIB;
    world_tune.purge_percent = 6;
    world_tune.purge_hold_ms = 1000;
    world_tune.arena_test = 2;
    world_tune.dynamic = 1;
    world_tune.sbrk = 1;
    memset(&arena_main, 0, sizeof arena_main);
    memset(&world_other, 0, sizeof world_other);
    arena_init(&world_tune);
    world_drop_spares();
    os_fake_reset();
    if (index == 0)
        return &arena_main;
    lock_init(&world_other.lock, RANK_ARENA);
    world_other.tune = &world_tune;
    world_other.index = index;
    world_other.flags = NON_MAIN_ARENA;
    return &world_other;
}

/* Whole free resident pages that the arena counts, bytes. */
static inline size_t world_dirty(const struct arena *a)
{
    return a->dirty_bytes[DIRTY_SHORT_LIST] + a->dirty_bytes[DIRTY_LONG_LIST];
}

struct world_sum {
    size_t live, out, fast, binned, top; /* bytes of chunks */
    size_t dirty;                        /* of binned ones: whole resident pages */
    size_t chunks, heaps;
};

/* Every chunk of every heap: valid, P and footer agree with the one before, no two
 * binned neighbours, sums as the arena says. */
static inline struct world_sum world_walk(struct arena *a)
{
    struct world_sum s = {0};
    size_t bytes = 0, space = 0, free_count = 0;
    for (struct heap *h = a->heaps; h != NULL; h = h->next) {
        bool before = false;
        size_t before_size = 0;
        struct chunk *c = h->first;
        assert_int_equal(h->magic, HEAP_MAGIC);
        assert_ptr_equal(h->arena, a);
        for (; c != heap_fence(h); c = chunk_next(c)) {
            size_t size = chunk_size(c);
            unsigned place = chunk_idle_state(c);
            bool binned = chunk_is_binned(&heap_keys, c);
            assert_true((uintptr_t)c < (uintptr_t)heap_fence(h));
            assert_true(size >= CHUNK_MIN && size % CHUNK_ALIGN == 0);
            assert_true(chunk_is_valid(&heap_keys, c));
            assert_int_equal(chunk_bits(c) & NON_MAIN_ARENA, a->flags);
            assert_int_equal(chunk_prev_inuse(c), !before);
            if (before)
                assert_int_equal(c->prev_size, before_size);
            assert_false(before && (binned || c == a->top));
            if (chunk_is_live(&heap_keys, c))
                s.live += size;
            else if (c == a->top)
                s.top += size;
            else if (binned)
                s.binned += size;
            else if (place == IDLE_FAST)
                s.fast += size;
            else
                s.out += size;
            if (binned)
                s.dirty += binned_dirty(c, size);
            free_count += binned;
            before = binned;
            before_size = size;
            s.chunks++;
            space += size;
        }
        assert_true(chunk_is_live(&heap_keys, c));
        assert_int_equal(chunk_prev_inuse(c), !before);
        space += FENCE_SIZE + (size_t)((uintptr_t)h->first - h->start);
        bytes += heap_size(h);
        s.heaps++;
    }
    assert_int_equal(space, bytes);
    assert_int_equal(bytes, a->heap_bytes);
    assert_int_equal(s.binned, a->free_bytes);
    assert_int_equal(free_count, a->free_count);
    assert_int_equal(s.fast, a->fast_bytes);
    assert_int_equal(s.dirty, world_dirty(a));
    assert_int_equal(s.top, top_size(a));
    return s;
}

/* A live chunk of `size`, as malloc makes it. */
static inline struct chunk *world_take(struct arena *a, size_t size)
{
    struct chunk *c = arena_take(a, size, NULL);
    if (c != NULL)
        chunk_flip(c);
    return c;
}

static inline void world_give(struct arena *a, struct chunk *c)
{
    chunk_flip(c);
    arena_give(a, c);
}

#endif
