/* Giving memory back: the budget, what it learns, and never under the lock. */
#include "support/arena_world.h"

#include "core/limit.h"
#include "core/meta.h"

#include <pthread.h>

#ifndef CHUNKY_HARD_TRIM
#define CHUNKY_HARD_TRIM 0
#endif

static struct arena *a;
static unsigned gives_under_lock;

static void purge_note(void *start, size_t size)
{
    assert_int_equal((uintptr_t)start % os_fake.page, 0);
    assert_int_equal(size % os_fake.page, 0);
    assert_true(size > 0);
    gives_under_lock += lock_is_mine(&a->lock);
}

/* `count` blocks of `size`, a small live one between any two, and a live one last. */
static void purge_world(unsigned index, struct chunk **c, unsigned count, size_t size)
{
    a = world_new(index);
    gives_under_lock = 0;
    for (unsigned i = 0; i < count; i++) {
        c[i] = world_take(a, size);
        world_take(a, 32);
        memset(mem_of(c[i]), 0x77, size - 16);
    }
    world_take(a, 64);
    os_fake.on_give = purge_note;
}

static void purge_budget_is_kept(void **state)
{
    (void)state;
    struct chunk *c[60];
    for (unsigned index = 0; index < 2; index++) {
        purge_world(index, c, 60, 256 * KIB);
        size_t most = 0;
        for (unsigned i = 0; i < 60; i++) {
            arena_lock(a);
            world_give(a, c[i]);
            arena_settle(a);
            arena_unlock(a);
            size_t live = world_walk(a).live;
            size_t allowed = world_tune.purge_base + live / 100 * 6;
            assert_true(world_dirty(a) + top_dirty(a) <= allowed);
            most = max_size(most, world_dirty(a));
        }
        assert_int_equal(gives_under_lock, 0);
        assert_true(a->counts.purged >= 12 * MIB);
        assert_int_equal(a->counts.purged, os_fake.purged);
        assert_int_equal(a->counts.purges, os_fake.purges);
        assert_int_equal(a->purging, 0);
        if (!CHUNKY_HARD_TRIM)
            assert_true(most > 1 * MIB); /* no zeal: some is kept for the next use */
    }
}

static void purge_oldest_first(void **state)
{
    (void)state;
    struct chunk *c[4];
    purge_world(1, c, 4, 256 * KIB);
    const unsigned order[] = {2, 0, 3, 1};
    for (unsigned i = 0; i < 4; i++)
        world_give(a, c[order[i]]);
    arena_lock(a);
    size_t all = world_dirty(a);
    arena_purge(a, all - 1);
    arena_unlock(a);
    assert_int_equal(binned_dirty(c[2], chunk_size(c[2])), 0);
    assert_int_not_equal(binned_dirty(c[0], chunk_size(c[0])), 0);
    world_walk(a);
}

/* Frees all, one after the other. */
static void purge_free_all(struct chunk **c, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        arena_lock(a);
        world_give(a, c[i]);
        arena_settle(a);
        arena_unlock(a);
    }
}

static void *purge_choose(void *busy)
{
    arena_unlock(arena_choose(busy));
    return NULL;
}

/* Now there are two, which share the base of the budget. */
static void purge_second_arena(void)
{
    pthread_t thread;
    arena_lock(&arena_main);
    assert_int_equal(pthread_create(&thread, NULL, purge_choose, &arena_main), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    arena_unlock(&arena_main);
    assert_int_equal(arena_count(), 2);
}

/* Where there are more arenas, chunks with a page or two stay until they are two budgets
 * more; if all shall go, they go as well. */
static void purge_spares_short_ones(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM)
        skip();
    enum { COUNT = 1000 };
    static struct chunk *c[COUNT];
    for (unsigned more = 0; more < 2; more++) {
        purge_world(1, c, COUNT, 12 * KIB);
        if (more != 0)
            purge_second_arena();
        purge_free_all(c, COUNT);
        size_t budget = world_tune.purge_base / (1 + more) +
                        world_walk(a).live / 100 * world_tune.purge_percent;
        assert_true(a->dirty_bytes[DIRTY_SHORT_LIST] > (more != 0 ? 2 * budget : 0));
        assert_true(a->dirty_bytes[DIRTY_SHORT_LIST] <=
                    (more != 0 ? 3 * budget : budget));
        assert_int_equal(a->dirty_bytes[DIRTY_LONG_LIST], 0);
    }
    arena_lock(a);
    arena_purge(a, 0);
    arena_unlock(a);
    assert_int_equal(world_dirty(a) + top_dirty(a), 0);
    world_walk(a);
}

/* What is clean is not given back a second time. */
static void purge_only_the_dirty_part(void **state)
{
    (void)state;
    struct chunk *c[1];
    purge_world(1, c, 1, 1 * MIB);
    world_give(a, c[0]);
    arena_lock(a);
    arena_purge(a, 0);
    size_t purged = os_fake.purged;
    assert_true(purged >= 1 * MIB - 3 * 4096);
    assert_int_equal(world_dirty(a) + top_dirty(a), 0);
    arena_purge(a, 0);
    assert_int_equal(os_fake.purged, purged);
    arena_unlock(a);
    struct chunk *part = world_take(a, 128 * KIB);
    memset(mem_of(part), 1, 64 * KIB);
    world_give(a, part);
    arena_lock(a);
    size_t dirty = world_dirty(a);
    assert_true(dirty >= 120 * KIB && dirty <= 136 * KIB);
    assert_int_equal(arena_purge(a, 0), dirty);
    arena_unlock(a);
    world_walk(a);
}

static void purge_the_top(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        /* Wherever in its page the top starts: also just before the next page. */
        for (size_t front = 32; front < 8192 + 64; front += 16) {
            a = world_new(index);
            world_take(a, front);
            struct chunk *c = world_take(a, 100000);
            memset(mem_of(c), 0x77, 99000);
            os_fake.on_give = purge_note;
            gives_under_lock = 0;
            world_give(a, c);
            arena_lock(a);
            arena_purge(a, 0);
            arena_unlock(a);
            assert_int_equal(top_dirty(a), 0);
            assert_true(os_fake.purged >= 90000);
            assert_int_equal(gives_under_lock, 0);
            world_walk(a);
            /* All that the top calls clean reads as zero. */
            struct clean clean;
            c = arena_take(a, 100000, &clean);
            for (uintptr_t at = clean.from; at < clean.to; at += 8)
                assert_int_equal(*(uint64_t *)at, 0);
        }
    }
}

/* Purged memory that is used again at once: the budget grows for a second, then not. */
static void purge_widens_for_a_while(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM)
        skip();
    struct chunk *c[1];
    purge_world(1, c, 1, 16 * MIB);
    unsigned rounds = 0;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t purged = a->counts.purged;
        arena_lock(a);
        world_give(a, c[0]);
        arena_settle(a);
        arena_unlock(a);
        rounds += a->counts.purged != purged;
        c[0] = world_take(a, 16 * MIB);
        arena_lock(a); /* as whoever takes from an arena does */
        arena_settle(a);
        arena_unlock(a);
        os_fake.clock += 10;
    }
    assert_true(rounds <= 3);
    assert_true(a->counts.returned >= 13 * MIB);
    os_fake.clock += 5000;
    arena_lock(a);
    world_give(a, c[0]);
    arena_settle(a);
    arena_unlock(a);
    assert_true(world_dirty(a) <= world_tune.purge_base);
    world_walk(a);
}

/* The same 16 MiB, given back and used again each 10 ms. */
static void purge_turns(struct chunk **c, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        arena_lock(a);
        world_give(a, c[0]);
        arena_settle(a);
        arena_unlock(a);
        c[0] = world_take(a, 16 * MIB);
        os_fake.clock += 10;
    }
}

/* What is kept for a while goes when that is over, though nothing happens in the arena: within
 * 16 visits. */
static void purge_idle_visits_look_too(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM)
        skip();
    struct chunk *c[1];
    purge_world(1, c, 1, 16 * MIB);
    purge_turns(c, 20);
    world_give(a, c[0]);
    assert_true(world_dirty(a) > world_tune.purge_base);
    for (unsigned i = 0; i < 16; i++) {
        arena_lock(a);
        arena_settle(a);
        arena_unlock(a);
    }
    assert_true(world_dirty(a) > world_tune.purge_base);
    os_fake.clock += 5000;
    for (unsigned i = 0; i < 16; i++) {
        arena_lock(a);
        arena_settle(a);
        arena_unlock(a);
    }
    assert_true(world_dirty(a) <= world_tune.purge_base);
}

/* Nor is a visit needed, if somebody else looks at what is over. */
static void purge_expires_without_visits(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM)
        skip();
    struct chunk *c[1];
    limits.kept_until = 0;
    purge_world(1, c, 1, 16 * MIB);
    purge_turns(c, 19);
    arena_lock(a);
    world_give(a, c[0]);
    arena_settle(a);
    arena_unlock(a);
    size_t kept = world_dirty(a);
    assert_true(kept > world_tune.purge_base);
    assert_true(limits.kept_until > os_fake.clock - 200);
    assert_true(limits.kept_until <= a->widened_until);
    limits.kept_until = 0;
    arena_lock(a);
    arena_expire(a);
    assert_int_equal(world_dirty(a), kept);
    assert_int_equal(limits.kept_until, a->widened_until);
    os_fake.clock = a->widened_until + 1;
    arena_expire(a);
    arena_unlock(a);
    assert_true(world_dirty(a) <= world_tune.purge_base);
    assert_int_equal(a->widened, 0);
    world_walk(a);
}

/* At a new peak as much of it goes as is mapped, or as the heap grew by, but not below the
 * budget. */
static void purge_yields_at_a_peak(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM)
        skip();
    struct chunk *c[8];
    purge_world(1, c, 8, 2 * MIB);
    a->widened = 64 * MIB;
    a->widened_until = os_fake.clock + 1000;
    arena_lock(a);
    arena_settle(a);
    for (unsigned i = 0; i < 8; i++)
        world_give(a, c[i]);
    arena_settle(a);
    size_t kept = world_dirty(a);
    assert_true(kept > 15 * MIB);
    arena_yield(a, 3 * MIB);
    assert_in_range(kept - world_dirty(a), 3 * MIB, 4 * MIB);
    kept = world_dirty(a);
    limits.peak = limits.used + 100 * MIB;
    assert_true(top_grow(a, 3 * MIB));
    arena_settle(a);
    assert_int_equal(world_dirty(a), kept);
    limits.peak = limits.used;
    assert_true(top_grow(a, top_size(a) + 3 * MIB));
    arena_settle(a);
    assert_in_range(kept - world_dirty(a), 3 * MIB, 6 * MIB);
    arena_yield(a, 100 * MIB);
    assert_in_range(world_dirty(a), world_tune.purge_base - 2 * MIB,
                    world_tune.purge_base);
    arena_unlock(a);
    world_walk(a);
}

/* Use long after the purge is no reason to keep more. */
static void purge_late_use_is_no_reason(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM)
        skip();
    struct chunk *c[1];
    purge_world(1, c, 1, 16 * MIB);
    for (unsigned i = 0; i < 5; i++) {
        arena_lock(a);
        world_give(a, c[0]);
        arena_settle(a);
        arena_unlock(a);
        os_fake.clock += 2000;
        c[0] = world_take(a, 16 * MIB);
    }
    assert_int_equal(a->counts.returned, 0);
    assert_true(a->counts.purged >= 5 * 13 * MIB);
}

/* Frees and takes a block of 200 KiB again and again; returns how often that purged. */
static unsigned purge_rounds(unsigned ms)
{
    struct chunk *c[1];
    size_t base = world_tune.purge_base;
    purge_world(1, c, 1, 200 * KIB);
    world_tune.purge_base = 32 * KIB;
    for (unsigned i = 0; i < 100; i++) {
        arena_lock(a);
        world_give(a, c[0]);
        arena_settle(a);
        arena_unlock(a);
        c[0] = world_take(a, 200 * KIB);
        os_fake.clock += ms;
    }
    world_tune.purge_base = base;
    return (unsigned)a->counts.purges;
}

/* A few faults now and then are no reason to keep more, many are. */
static void purge_few_faults_are_no_reason(void **state)
{
    (void)state;
    if (CHUNKY_HARD_TRIM)
        skip();
    assert_int_equal(purge_rounds(20), 100);
    assert_true(purge_rounds(2) < 20);
}

static void purge_refused(void **state)
{
    (void)state;
    struct chunk *c[4];
    purge_world(1, c, 4, 4 * MIB);
    os_fake.refuse_purge = true;
    for (unsigned i = 0; i < 4; i++) {
        arena_lock(a);
        world_give(a, c[i]);
        arena_settle(a);
        arena_unlock(a);
    }
    assert_int_equal(a->counts.purged, 0);
    /* What could not be given back must not be taken for zero. */
    struct clean clean;
    struct chunk *again = arena_take(a, 4 * MIB, &clean);
    for (uintptr_t at = clean.from; at < clean.to; at += 8)
        assert_int_equal(*(uint64_t *)at, 0);
    (void)again;
    world_walk(a);
}

static void purge_trims(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        a = world_new(index);
        struct chunk *c = world_take(a, 4 * MIB);
        world_give(a, c);
        size_t before = a->heap_bytes;
        size_t got = arena_trim(a, 10000);
        assert_true(got >= 3 * MIB);
        assert_int_equal(a->heap_bytes, before - got);
        assert_true(top_size(a) >= 10000 + CHUNK_MIN);
        world_walk(a);
        arena_trim(a, 0);
        assert_true(top_size(a) < 4096 + 2 * CHUNK_MIN);
        assert_int_equal(arena_trim(a, 0), 0);
        world_walk(a);
        assert_non_null(world_take(a, 1 * MIB));
        world_walk(a);
    }
}

/* So many magazines into the depot, settled after each or not; returns the most that it
 * held. */
static size_t purge_fill_depot(unsigned count, bool settle)
{
    size_t most = 0;
    for (unsigned i = 0; i < count; i++) {
        struct magazine *m = meta_take(sizeof *m);
        void *mem[MAGAZINE_SLOTS];
        m->class = 20;
        magazine_fill(m, mem,
                      arena_take_batch(a, class_sizes[20], MAGAZINE_SLOTS, mem));
        arena_lock(a);
        depot_give(&a->depot, m);
        if (settle)
            arena_settle(a);
        arena_unlock(a);
        most = max_size(most, a->depot.bytes);
    }
    return most;
}

/* The depot may hold its limit, and what nobody asks for leaves it. */
static void purge_settles_the_depot(void **state)
{
    (void)state;
    a = world_new(1);
    world_tune.depot_bytes = 64 * KIB;
    size_t most = purge_fill_depot(40, true);
    assert_true(most > 0 && most <= 64 * KIB);
    world_walk(a);
}

/* What is drained and asked for again, again and again, may stay beside the limit; once
 * nobody takes it any more, it goes, without a visit. */
static void purge_spares_the_depot(void **state)
{
    (void)state;
    a = world_new(1);
    world_tune.depot_bytes = 64 * KIB;
    limits.kept_until = 0;
    for (unsigned turn = 0; turn < 60; turn++) {
        purge_fill_depot(20, false);
        arena_lock(a);
        size_t count = a->depot.bytes / class_sizes[20];
        arena_drain(a, 0);
        arena_note_miss(a, 20, count);
        arena_unlock(a);
    }
    assert_int_not_equal(limits.kept_until, 0);
    size_t most = purge_fill_depot(20, true);
    assert_true(most > 64 * KIB);
    assert_true(most <= 64 * KIB + a->heap_bytes / 2);
    size_t hold = world_tune.purge_hold_ms;
    for (unsigned i = 0; i < 3; i++) {
        os_fake.clock += hold + 1;
        limits.kept_until = 0;
        arena_lock(a);
        arena_expire(a);
        arena_unlock(a);
        assert_int_equal(limits.kept_until != 0, a->depot.spared != 0);
    }
    assert_int_equal(a->depot.spared, 0);
    assert_true(a->depot.bytes <= 64 * KIB);
    world_walk(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(purge_budget_is_kept),
        cmocka_unit_test(purge_oldest_first),
        cmocka_unit_test(purge_spares_short_ones),
        cmocka_unit_test(purge_only_the_dirty_part),
        cmocka_unit_test(purge_the_top),
        cmocka_unit_test(purge_widens_for_a_while),
        cmocka_unit_test(purge_idle_visits_look_too),
        cmocka_unit_test(purge_expires_without_visits),
        cmocka_unit_test(purge_yields_at_a_peak),
        cmocka_unit_test(purge_late_use_is_no_reason),
        cmocka_unit_test(purge_few_faults_are_no_reason),
        cmocka_unit_test(purge_refused),
        cmocka_unit_test(purge_trims),
        cmocka_unit_test(purge_settles_the_depot),
        cmocka_unit_test(purge_spares_the_depot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
