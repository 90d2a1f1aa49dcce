/* Back into an arena: coalescing, fast bins, whole heaps, remote lists, and what is
 * noticed when a neighbour was overwritten. */
#include "support/arena_world.h"

#include "core/meta.h"
#include "support/random.h"

static struct arena *a;

static void give_merges_both_ways(void **state)
{
    (void)state;
    /* Every order of freeing three neighbours leaves one free chunk. */
    const unsigned order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                  {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned o = 0; o < 6; o++) {
        struct chunk *c[3];
        a = world_new(1);
        world_take(a, 2048);
        for (unsigned i = 0; i < 3; i++)
            c[i] = world_take(a, 2048);
        world_take(a, 2048);
        for (unsigned i = 0; i < 3; i++) {
            world_give(a, c[order[o][i]]);
            world_walk(a);
        }
        assert_ptr_equal(a->unsorted, c[0]);
        assert_int_equal(chunk_size(c[0]), 3 * 2048);
        assert_int_equal(a->counts.merges, 2);
    }
}

static void give_merges_into_the_top(void **state)
{
    (void)state;
    a = world_new(0);
    struct chunk *c = world_take(a, 2048), *d = world_take(a, 2048);
    world_give(a, c);
    world_give(a, d);
    assert_ptr_equal(a->top, c);
    assert_int_equal(a->free_bytes, 0);
    assert_int_equal(world_walk(a).top, heap_size(a->heaps) - FENCE_SIZE);
}

static void give_shrinks(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c = world_take(a, 4096), *d = world_take(a, 4096);
    world_take(a, 64);
    arena_shrink(a, c, 4080); /* 16 bytes are no chunk */
    assert_int_equal(chunk_size(c), 4096);
    arena_shrink(a, c, 1024);
    assert_int_equal(chunk_size(c), 1024);
    assert_true(chunk_is_live(&heap_keys, c));
    assert_int_equal(world_walk(a).binned, 3072);
    world_give(a, d); /* joins the rest */
    assert_int_equal(world_walk(a).binned, 3072 + 4096);
    world_give(a, c);
    assert_int_equal(world_walk(a).binned, 8192);
}

static void give_consolidates_when_it_holds_much(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c[64];
    world_tune.fast_bytes = 1024;
    for (unsigned i = 0; i < 64; i++)
        c[i] = world_take(a, 64);
    world_take(a, 64);
    for (unsigned i = 0; i < 64; i++) {
        world_give(a, c[i]);
        assert_true(a->fast_bytes <= 1024);
        world_walk(a);
    }
    assert_true(a->counts.consolidations >= 3);
    arena_consolidate(a);
    assert_int_equal(world_walk(a).fast, 0);
    assert_int_equal(chunk_size(c[0]), 64 * 64);
}

/* The heap behind the newest one is given away as soon as nothing in it is used. */
static void give_a_whole_heap(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c[3];
    for (unsigned i = 0; i < 3; i++)
        c[i] = world_take(a, 40 * MIB);
    assert_int_equal(world_walk(a).heaps, 3);
    world_tune.purge_base = (size_t)1 << 40;
    world_give(a, c[0]);
    assert_int_equal(world_walk(a).heaps, 2);
    world_give(a, c[1]);
    assert_int_equal(world_walk(a).heaps, 1);
    unsigned reserves = os_fake.reserves;
    world_take(a, 40 * MIB);
    assert_int_equal(os_fake.reserves, reserves); /* a spare one was waiting */
    world_walk(a);
}

static void give_a_dirty_heap_waits(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c = world_take(a, 40 * MIB);
    world_take(a, 40 * MIB);
    world_give(a, c);
    /* 40 MiB to give back are not the lock holder's business; the purge does it. */
    assert_int_equal(world_walk(a).heaps, 2);
    arena_lock(a);
    arena_purge(a, 0);
    arena_unlock(a);
    assert_int_equal(world_walk(a).heaps, 1);
}

static struct magazine *give_magazine_of(unsigned class, unsigned count)
{
    struct magazine *m = meta_take(sizeof *m);
    void *mem[MAGAZINE_SLOTS];
    assert_true(top_grow(a, (count + 1) * (size_t)class_sizes[class]));
    m->class = (uint16_t) class;
    assert_int_equal(arena_take_batch(a, class_sizes[class], count, mem), count);
    assert_int_equal(magazine_fill(m, mem, count), 0);
    return m;
}

static void give_absorbs_and_drains(void **state)
{
    (void)state;
    a = world_new(1);
    size_t used = meta.used;
    struct magazine *m = give_magazine_of(3, 40), *n = give_magazine_of(70, 10);
    struct magazine *large = meta_take(sizeof *large);
    struct chunk *c = arena_take(a, 1 * MIB, NULL);
    large->class = CLASS_NONE;
    magazine_fill(large, &(void *){mem_of(c)}, 1);
    size_t bytes = 40 * class_sizes[3] + 10 * class_sizes[70];
    remote_push(&a->remote, m);
    remote_push(&a->remote, n);
    assert_int_equal(remote_push(&a->remote, large), bytes + 1 * MIB);
    arena_absorb(a);
    assert_int_equal(a->depot.bytes, bytes);
    assert_int_equal(a->remote.bytes, 0);
    assert_int_equal(world_walk(a).out, bytes);
    arena_drain(a, bytes - 1);
    assert_true(a->depot.bytes < bytes && a->depot.bytes > 0);
    arena_drain(a, 0);
    assert_int_equal(a->depot.bytes, 0);
    arena_consolidate(a);
    assert_int_equal(world_walk(a).out, 0);
    assert_int_equal(world_walk(a).binned, 0);
    assert_int_equal(meta.used, used);
}

/* Neighbours in a drain are joined first, in whatever order and magazine they lie. */
static void give_joins_neighbours(void **state)
{
    (void)state;
    struct random r = {9};
    for (unsigned way = 0; way < 3; way++) {
        a = world_new(1);
        struct magazine *m = give_magazine_of(60, 30), *n = give_magazine_of(60, 30);
        world_take(a, 64);
        for (unsigned i = 0; way != 0 && i < 30; i++) {
            struct magazine *other = way == 1 ? m : n;
            unsigned j = way == 1 ? 29 - i : (unsigned)random_below(&r, 30);
            uint32_t swapped = m->slot[i];
            m->slot[i] = other->slot[j];
            other->slot[j] = swapped;
        }
        depot_give(&a->depot, m);
        depot_give(&a->depot, n);
        arena_drain(a, 0);
        size_t size = 60 * (size_t)class_sizes[60];
        assert_int_equal(a->counts.merges, 59);
        assert_int_equal(chunk_size(a->bins.head[bin_index(size)]), size);
        world_walk(a);
    }
}

/* Also where they lie too far apart for one window; and without memory for one each goes
 * alone, merging with what is free already. */
static void give_far_and_alone(void **state)
{
    (void)state;
    enum { PAIRS = 3, SIZE = 8192 };
    for (unsigned way = 0; way < 2; way++) {
        a = world_new(1);
        struct magazine m = {.class = (uint16_t)class_floor(SIZE)};
        void *mem[2 * PAIRS];
        for (unsigned i = 0; i < PAIRS; i++) {
            mem[i] = mem_of(arena_take(a, SIZE, NULL));
            mem[PAIRS + i] = mem_of(arena_take(a, SIZE, NULL));
            world_take(a, ORDER_BYTES);
        }
        magazine_fill(&m, mem, 2 * PAIRS);
        struct magazine *n = meta_take(sizeof *n);
        *n = m;
        depot_give(&a->depot, n);
        os_fake.fail_for_ever = way == 1;
        os_fake.fail_after = way == 1;
        arena_drain(a, 0);
        arena_consolidate(a);
        os_fake.fail_for_ever = false;
        os_fake.fail_after = 0;
        assert_int_equal(a->order == NULL, way);
        assert_int_equal(a->counts.merges, PAIRS);
        assert_int_equal(world_walk(a).out, 0);
        assert_int_equal(world_walk(a).binned, PAIRS * 2 * SIZE);
    }
}

/* Without memory for a window a class stays as it came, and no refill asks again. */
static void give_sorts_or_leaves_it(void **state)
{
    (void)state;
    enum { MAGAZINES = 200, SIZE = 48 };
    unsigned class = class_floor(SIZE);
    for (unsigned way = 0; way < 2; way++) {
        a = world_new(1);
        for (unsigned i = 0; i < MAGAZINES; i++)
            depot_give(&a->depot, give_magazine_of(class, MAGAZINE_SLOTS));
        assert_true(depot_is_scattered(&a->depot, class));
        os_fake.fail_for_ever = way == 1;
        os_fake.fail_after = way == 1;
        arena_sort_class(a, class);
        os_fake.fail_for_ever = false;
        os_fake.fail_after = 0;
        assert_int_equal(a->order == NULL, way);
        assert_false(depot_is_scattered(&a->depot, class));
    }
}

static void give_twice(void *unused)
{
    (void)unused;
    arena_drain(a, 0);
}

/* Two entries that lead to one chunk never become two free chunks. */
static void give_finds_duplicates(void **state)
{
    (void)state;
    a = world_new(1);
    struct magazine *m = give_magazine_of(60, 30);
    m->slot[3] = m->slot[17];
    depot_give(&a->depot, m);
    expect_fail("double free: the block is listed twice", give_twice, NULL);
}

static void *give_lowest(const struct magazine *m)
{
    void *lowest = magazine_at(m, 0);
    for (unsigned i = 1; i < m->count; i++)
        if (magazine_at(m, i) < lowest)
            lowest = magazine_at(m, i);
    return lowest;
}

/* A header that was overwritten: the block before it is to blame if it comes back too, in
 * whatever magazine it is; else the report is of the header. */
static void give_blames_the_one_before(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        a = world_new(1);
        world_take(a, 64);
        struct magazine *m = give_magazine_of(60, 30), *n = give_magazine_of(60, 30);
        struct chunk *hurt = chunk_of(give_lowest(way == 2 ? m : n));
        hurt->tag = 0x44444444;
        depot_give(&a->depot, way == 0 ? m : n);
        depot_give(&a->depot, way == 0 ? n : m);
        expect_fail(way == 2 ? "corrupted header of a freed block"
                             : "heap overflow: header behind the block was overwritten",
                    give_twice, NULL);
    }
}

/* A long random life: headers, sums and neighbours stay right at every step. */
static void give_random_life(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        struct random r = {index + 1};
        struct chunk *held[200] = {0};
        size_t live = 0;
        a = world_new(index);
        for (unsigned round = 0; round < 20000; round++) {
            unsigned i = (unsigned)random_below(&r, 200);
            if (held[i] == NULL) {
                held[i] = world_take(a, chunk_size_for(random_size(&r, 16)));
                live += chunk_size(held[i]);
            } else if (round % 5 == 0) {
                size_t before = chunk_size(held[i]);
                bool may = arena_may_extend(a, held[i], before + 512);
                bool did = arena_extend(a, held[i], before + 512);
                assert_int_equal(may, did);
                if (did)
                    live += chunk_size(held[i]) - before;
            } else if (round % 5 == 1 && chunk_size(held[i]) > 1024) {
                live -= chunk_size(held[i]);
                arena_shrink(a, held[i], 1024);
                live += chunk_size(held[i]);
            } else {
                live -= chunk_size(held[i]);
                world_give(a, held[i]);
                held[i] = NULL;
            }
            if (round % 16 == 0)
                assert_int_equal(world_walk(a).live, live);
        }
        for (unsigned i = 0; i < 200; i++)
            if (held[i] != NULL)
                world_give(a, held[i]);
        arena_consolidate(a);
        struct world_sum s = world_walk(a);
        assert_int_equal(s.live + s.out + s.fast + s.binned, 0);
        assert_int_equal(s.chunks, 1);
    }
}

static void give_it(void *c)
{
    arena_give(a, c);
}

static void give_verifies(void **state)
{
    (void)state;
    a = world_new(1);
    struct chunk *c[4];
    for (unsigned i = 0; i < 4; i++)
        c[i] = arena_take(a, 2048, NULL);
    /* One byte behind the last usable one. */
    unsigned char *behind = (unsigned char *)mem_of(c[1]) + chunk_usable(c[1]);
    unsigned char saved = *behind;
    *behind = (unsigned char)(saved ^ 0x40);
    expect_fail("heap overflow: header behind the block was overwritten", give_it,
                c[1]);
    *behind = saved;
    arena_give(a, c[1]);
    expect_fail("corrupted header of a freed block", give_it, c[1]);
    /* A footer that leads elsewhere. */
    c[2]->prev_size = 4096;
    expect_fail("corrupted prev_size or P: no free chunk lies before", give_it, c[2]);
    c[2]->prev_size = 2048;
    chunk_flip(c[2]); /* live: nobody gave it */
    expect_fail("corrupted header of a freed block", give_it, c[2]);
    chunk_flip(c[2]);
    chunk_set_prev_inuse(c[3], false);
    expect_fail("heap overflow: P in the header behind the block was cleared", give_it,
                c[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(give_merges_both_ways),
        cmocka_unit_test(give_merges_into_the_top),
        cmocka_unit_test(give_shrinks),
        cmocka_unit_test(give_consolidates_when_it_holds_much),
        cmocka_unit_test(give_a_whole_heap),
        cmocka_unit_test(give_a_dirty_heap_waits),
        cmocka_unit_test(give_absorbs_and_drains),
        cmocka_unit_test(give_far_and_alone),
        cmocka_unit_test(give_joins_neighbours),
        cmocka_unit_test(give_sorts_or_leaves_it),
        cmocka_unit_test(give_finds_duplicates),
        cmocka_unit_test(give_blames_the_one_before),
        cmocka_unit_test(give_random_life),
        cmocka_unit_test(give_verifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
