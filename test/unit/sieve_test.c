/* Which chunks of a depot go: those of wholly idle pages and no others, against a count of
 * all chunks of the heap; what stays goes where it is worth more. */
#include "support/arena_world.h"

#include "core/meta.h"
#include "core/sieve.h"
#include "support/random.h"

enum { MOST = 70000, HEAP = 2 * MIB };

static struct arena *a;
static struct chunk *chunk[MOST];
static bool idle[MOST]; /* is to go to the depot */
static unsigned count;
static size_t page;

/* A heap full of chunks of random sizes up to `most`, none of them in use yet. */
static void sieve_fill(unsigned index, size_t most, uint64_t seed)
{
    struct random r = {seed};
    a = world_new(index);
    page = os_page_size();
    size_t bytes = 0;
    for (count = 0; count < MOST && bytes < HEAP; count++) {
        size_t size = chunk_size_for(1 + random_below(&r, most));
        if (size > CLASS_EXACT_SIZE)
            size = class_sizes[class_ceiling(size)];
        chunk[count] = arena_take(a, size, NULL);
        idle[count] = false;
        bytes += chunk_size(chunk[count]);
    }
    world_take(a, 64); /* so that none of them joins the top */
}

/* Those that are to go lie in the depot afterwards, in no order; the others are in use. */
static void sieve_free(uint64_t seed)
{
    struct random r = {seed};
    static unsigned order[MOST];
    for (unsigned i = 0; i < count; i++) {
        unsigned j = (unsigned)random_below(&r, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (unsigned n = 0; n < count; n++) {
        struct chunk *c = chunk[order[n]];
        if (!idle[order[n]]) {
            chunk_flip(c);
            continue;
        }
        unsigned class = class_floor(chunk_size(c));
        void *mem = mem_of(c);
        if (depot_put(&a->depot, class, &mem, 1) == 0)
            continue;
        struct magazine *m = meta_take(sizeof *m);
        m->class = (uint16_t) class;
        magazine_fill(m, &mem, 1);
        depot_give(&a->depot, m);
    }
}

/* Of the chunks that are idle, a share of all. */
static void sieve_choose(unsigned percent, uint64_t seed)
{
    struct random r = {seed};
    for (unsigned i = 0; i < count; i++)
        idle[i] = random_below(&r, 100) < percent;
}

static uintptr_t sieve_page(uintptr_t address)
{
    return address - address % page;
}

/* Whether nothing of the page is in use, looked up chunk by chunk from `near` on. */
static bool sieve_is_free(uintptr_t at, unsigned near)
{
    unsigned i = near;
    while (i > 0 && (uintptr_t)chunk[i] > at)
        i--;
    if ((uintptr_t)chunk[i] > at)
        return false; /* the heap's own start */
    for (; i < count && (uintptr_t)chunk[i] < at + page; i++)
        if (!idle[i])
            return false;
    return i < count;
}

static bool sieve_expects(unsigned i)
{
    uintptr_t c = (uintptr_t)chunk[i], end = c + chunk_size(chunk[i]);
    for (uintptr_t at = sieve_page(c); at < end + sizeof(struct chunk); at += page)
        if (sieve_is_free(at, i))
            return true;
    return false;
}

static bool sieve_lists(const struct magazine *m, const struct chunk *c)
{
    for (; m != NULL; m = m->next)
        for (uint32_t i = 0; i < m->count; i++)
            if (magazine_at(m, i) == mem_of(c))
                return true;
    return false;
}

static size_t sieve_in_depot(void)
{
    size_t bytes = 0;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        for (struct magazine *m = a->depot.full[class]; m != NULL; m = m->next) {
            assert_true(m->count != 0 && m->count <= MAGAZINE_SLOTS);
            assert_int_equal(m->class, class);
            bytes += magazine_bytes(m);
        }
    assert_int_equal(bytes, a->depot.bytes);
    return bytes;
}

static void sieve_takes_what_is_idle(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        unsigned expected = 0, others = 0;
        sieve_fill(round % 2, round < 4 ? 300 : 3000, round + 1);
        sieve_choose(round < 2 ? 90 : 97, round + 1);
        sieve_free(round + 1);
        size_t before = a->depot.bytes;
        assert_true(sieve_count(a));
        assert_int_equal(a->depot.rest, before);
        struct magazine *out = sieve_take(a, 0);
        size_t taken = 0;
        for (unsigned i = 0; i < count; i++) {
            bool goes = idle[i] && sieve_expects(i);
            expected += goes;
            /* At the ends of what is counted it is not known; and of larger classes all count
             * as a little longer than most are. */
            if (goes || (round < 4 && i > 2 && i + 200 < count))
                assert_int_equal(sieve_lists(out, chunk[i]), goes);
            else
                others += sieve_lists(out, chunk[i]);
        }
        for (const struct magazine *m = out; m != NULL; m = m->next)
            for (uint32_t i = 0; i < m->count; i++)
                taken += chunk_size(chunk_of(magazine_at(m, i)));
        assert_true(expected > 20 && others < expected / 5);
        assert_int_equal(sieve_in_depot() + taken, before);
        assert_int_equal(a->depot.rest, a->depot.bytes);
        meta_give_list(out, sizeof *out);
        tally_end(&a->depot.tally);
    }
}

/* What was counted in the bins and was cut since is idle no more. */
static void sieve_counts_anew(void **state)
{
    (void)state;
    enum { FROM = 3000, TO = 3040 };
    sieve_fill(0, 300, 13);
    for (unsigned i = 0; i < count; i++)
        idle[i] = i < FROM || i >= TO;
    sieve_free(13);
    for (unsigned i = FROM; i < TO; i++)
        world_give(a, chunk[i]);
    arena_consolidate(a);
    assert_int_equal(a->free_count, 1);
    assert_true(sieve_count(a));
    size_t all = a->depot.tally.pages;
    while (a->free_count != 0)
        world_take(a, min_size(512, a->free_bytes));
    struct magazine *out = sieve_take(a, 0);
    unsigned before = FROM - 1, after = TO;
    assert_true(sieve_lists(out, chunk[before - 60]) &&
                sieve_lists(out, chunk[after + 60]));
    for (; sieve_page((uintptr_t)chunk[before]) == sieve_page((uintptr_t)chunk[FROM]);
         before--)
        assert_false(sieve_lists(out, chunk[before]));
    uintptr_t end = sieve_page((uintptr_t)chunk[TO] - 1);
    for (; sieve_page((uintptr_t)chunk[after] + chunk_size(chunk[after])) == end;
         after++)
        assert_false(sieve_lists(out, chunk[after]));
    assert_true(all > 100 && after > TO);
    meta_give_list(out, sizeof *out);
    tally_end(&a->depot.tally);
}

/* Pages of the lowest addresses stay, as many as are to be kept. */
static void sieve_keeps_the_lowest(void **state)
{
    (void)state;
    sieve_fill(0, 200, 5);
    sieve_choose(100, 5);
    sieve_free(5);
    assert_true(sieve_count(a));
    size_t pages = a->depot.tally.pages;
    assert_true(pages > 100);
    struct magazine *out = sieve_take(a, 40 * page);
    assert_int_equal(a->depot.tally.pages, 40);
    assert_true(sieve_lists(out, chunk[count - 10]));
    assert_false(sieve_lists(out, chunk[10]));
    size_t bytes = a->depot.bytes;
    assert_true(bytes >= 40 * page - page && bytes <= 43 * page);
    meta_give_list(out, sizeof *out);
    assert_null(sieve_take(a, 40 * page));
    tally_end(&a->depot.tally);
}

/* Pointers that do not fit into one magazine stay apart when what stays is put together. */
static void sieve_keeps_far_ones_apart(void **state)
{
    (void)state;
    enum { EACH = 30, MAGAZINES = 4, CLASS = 3 };
    uintptr_t border = (uintptr_t)3 << MAGAZINE_SPAN, at[MAGAZINES];
    a = world_new(0);
    world_take(a, 64);
    a->heap_bytes = (size_t)1 << 46; /* so that all of that is near */
    for (unsigned n = 0; n < MAGAZINES; n++) {
        struct magazine *m = meta_take(sizeof *m);
        void *mem[EACH];
        at[n] = border + (n % 2 == 0 ? 0 : -(uintptr_t)MIB) + n * 16 * KIB;
        for (unsigned i = 0; i < EACH; i++)
            mem[i] = (void *)(at[n] + i * 128);
        m->class = CLASS;
        assert_int_equal(magazine_fill(m, mem, EACH), 0);
        depot_give(&a->depot, m);
    }
    assert_true(sieve_count(a));
    assert_null(sieve_take(a, 0));
    unsigned left = 0;
    for (const struct magazine *m = a->depot.full[CLASS]; m != NULL; m = m->next)
        for (uint32_t i = 0; i < m->count; i++, left++) {
            uintptr_t mem = (uintptr_t)magazine_at(m, i);
            bool known = false;
            for (unsigned n = 0; n < MAGAZINES; n++)
                known |= mem - at[n] < EACH * 128 && (mem - at[n]) % 128 == 0;
            assert_true(known);
        }
    assert_int_equal(left, EACH * MAGAZINES);
    tally_end(&a->depot.tally);
}

/* What the depot holds of a class, what is taken first to the front. */
static unsigned sieve_list(unsigned class, void **mem)
{
    unsigned n = 0;
    for (const struct magazine *m = a->depot.full[class]; m != NULL; m = m->next)
        for (uint32_t i = m->count; i-- > 0;)
            mem[n++] = magazine_at(m, i);
    return n;
}

/* What stays is taken in the order in which it would have been taken. */
static void sieve_keeps_the_order(void **state)
{
    (void)state;
    static void *before[MOST], *after[MOST];
    sieve_fill(0, 100, 15);
    sieve_choose(97, 15);
    sieve_free(15);
    unsigned class = class_floor(64), at = 0, had = sieve_list(class, before);
    assert_true(sieve_count(a));
    meta_give_list(sieve_take(a, 0), sizeof(struct magazine));
    unsigned left = sieve_list(class, after);
    assert_true(left > 2 * MAGAZINE_SLOTS && left < had);
    for (unsigned i = 0; i < had && at < left; i++)
        at += before[i] == after[at];
    assert_int_equal(at, left);
    tally_end(&a->depot.tally);
}

/* What is in the bins already, or in fast bins, is idle too; and only new ones are counted
 * the second time. */
static void sieve_knows_what_is_binned(void **state)
{
    (void)state;
    sieve_fill(0, 200, 6);
    for (unsigned i = 0; i < count; i++)
        idle[i] = i % 8 != 0;
    sieve_free(6);
    for (unsigned i = 0; i < count; i += 8) {
        idle[i] = true;
        chunk_flip(chunk[i]);
        arena_give(a, chunk[i]);
    }
    assert_true(a->free_count > 0 && a->fast_bytes > 0);
    assert_true(sieve_count(a));
    assert_true(a->depot.tally.pages > HEAP / page / 2);
    size_t all = a->depot.tally.pages;
    assert_true(sieve_count(a));
    assert_int_equal(a->depot.tally.pages, all);
    arena_sieve(a, 0);
    arena_consolidate(a);
    assert_true(world_walk(a).binned > HEAP - HEAP / 8);
    tally_end(&a->depot.tally);
}

/* What leaves the depot is counted no more, whichever way it goes. */
static void sieve_forgets_what_is_taken(void **state)
{
    (void)state;
    sieve_fill(0, 200, 7);
    sieve_choose(100, 7);
    sieve_free(7);
    assert_true(sieve_count(a));
    size_t pages = a->depot.tally.pages, rest = a->depot.rest;
    unsigned class = class_floor(chunk_size(chunk[0]));
    struct magazine *empty = NULL, *whole = depot_take(&a->depot, class);
    size_t gone = magazine_bytes(whole);
    assert_int_equal(whole->counted, 0);
    assert_int_equal(a->depot.rest, rest - gone);
    void *mem[10];
    assert_int_equal(depot_take_some(&a->depot, class, 10, mem, &empty), 10);
    gone += 10 * (size_t)class_sizes[class];
    assert_int_equal(a->depot.rest, rest - gone);
    assert_true(a->depot.tally.pages < pages - 20);
    /* Those of the next magazine are counted again: one of them went. */
    assert_non_null(depot_take_aligned(&a->depot, class, CHUNK_ALIGN));
    assert_true(a->depot.rest < rest - gone);
    assert_true(sieve_count(a));
    assert_int_equal(a->depot.rest, a->depot.bytes);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(depot_put(&a->depot, class, &mem[i], 1), 0);
    assert_true(sieve_count(a));
    assert_int_equal(a->depot.rest, a->depot.bytes);
    assert_true(a->depot.tally.pages < pages);
    whole->counted = 7; /* of a magazine from elsewhere it says nothing */
    depot_give(&a->depot, whole);
    assert_true(sieve_count(a));
    assert_true(a->depot.tally.pages >= pages - 1);
    tally_end(&a->depot.tally);
}

/* Where the bins hold more than the depot it would be no less work; and so many pointers are
 * not kept for ever. */
static void sieve_or_drain(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        sieve_fill(0, way == 1 ? 8 : 300, 8);
        for (unsigned i = 0; i < count; i++)
            idle[i] = way == 2 ? i % 4 == 0 : i % 4 < 2 + way;
        sieve_free(8);
        if (way == 2) {
            world_tune.fast_max = 0;
            for (unsigned i = 0; i < count; i++)
                if (i % 8 == 2)
                    world_give(a, chunk[i]);
            assert_false(sieve_count(a));
            assert_int_equal(a->depot.rest, 0);
            continue;
        }
        arena_sieve(a, 0);
        if (way == 0) { /* none of its pages is idle */
            assert_int_equal(a->depot.rest, a->depot.bytes);
            assert_true(a->depot.bytes > HEAP / 3);
        } else {
            assert_int_equal(a->depot.bytes, 0);
            assert_int_equal(a->depot.rest, 0);
            assert_null(a->depot.tally.idle);
        }
        world_walk(a);
        tally_end(&a->depot.tally);
    }
}

/* What rests is used before pages that are not resident. */
static void sieve_rest_comes_first(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 2; way++) {
        sieve_fill(0, 300, 9);
        for (unsigned i = 0; i < count; i++)
            idle[i] = i % 2 == 0 || i > count / 2;
        sieve_free(9);
        arena_sieve(a, 0);
        assert_true(a->free_bytes > HEAP / 4);
        if (way == 1) {
            arena_lock(a);
            arena_purge(a, 0);
            arena_unlock(a);
            assert_true(a->clean_bytes > HEAP / 8);
        }
        size_t rest = a->depot.rest, grows = a->counts.grows;
        assert_true(rest > HEAP / 8);
        void *mem[4];
        assert_int_equal(arena_take_batch(a, 1024 + 512, 4, mem), 4);
        assert_int_equal(a->counts.grows, grows);
        if (way == 1)
            assert_true(a->depot.bytes < rest / 2 && a->depot.unwanted != 0);
        else
            assert_int_equal(a->depot.rest, rest);
        world_walk(a);
        tally_end(&a->depot.tally);
    }
}

/* Where what rested was in the way nothing rests until half of what was live then is gone. */
static void sieve_waits_for_half(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 2; way++) {
        sieve_fill(0, 300, 12);
        for (unsigned i = 0; i < count; i++)
            idle[i] = i % 2 == 0;
        sieve_free(12);
        a->depot.unwanted = HEAP;
        a->live = way == 0 ? HEAP + 1 : HEAP / 2 - 1;
        arena_sieve(a, 0);
        assert_int_equal(a->depot.unwanted, way == 0 ? HEAP + 1 : 0);
        assert_int_equal(a->depot.bytes == 0, way == 0);
        tally_end(&a->depot.tally);
    }
}

/* Of what rested much does not go at once: its pages would not be free. */
static void sieve_goes_in_parts(void **state)
{
    (void)state;
    sieve_fill(0, 300, 14);
    sieve_choose(50, 14);
    sieve_free(14);
    a->live = a->depot.unwanted = HEAP;
    a->depot.rest = 8 * MIB + 256 * KIB; /* as if it were so much */
    assert_true(a->depot.bytes > 512 * KIB);
    arena_sieve(a, 0);
    assert_true(a->depot.bytes > 128 * KIB && a->depot.bytes <= 256 * KIB);
    tally_end(&a->depot.tally);
}

/* Without memory for magazines nothing goes, and nothing is lost. */
static void sieve_without_memory(void **state)
{
    (void)state;
    sieve_fill(0, 300, 10);
    sieve_choose(100, 10);
    sieve_free(10);
    size_t before = a->depot.bytes;
    assert_true(sieve_count(a));
    while (meta_take(sizeof(struct magazine)) != NULL) {
        os_fake.fail_for_ever = true;
        os_fake.fail_after = 1;
    }
    assert_null(sieve_take(a, 0));
    os_fake.fail_for_ever = false;
    os_fake.fail_after = 0;
    assert_int_equal(sieve_in_depot(), before);
    assert_int_equal(a->depot.rest, before);
    tally_end(&a->depot.tally);
}

static void sieve_call(void *unused)
{
    (void)unused;
    sieve_count(a);
}

/* A ring that never comes back to its head, and a link that leads elsewhere. */
static void sieve_finds_broken_bins(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        sieve_fill(0, 300, 11);
        world_tune.fast_max = way == 2 ? 128 : 0;
        for (unsigned i = 0; i < count; i++)
            idle[i] = i % 2 == 0 && i > 8;
        sieve_free(11);
        for (unsigned i = 1; i < 8; i += 2)
            world_give(a, chunk[i]);
        struct chunk *c = way == 2 ? NULL : a->unsorted;
        for (unsigned bin = 0; c == NULL; bin++)
            c = a->fast[bin];
        c->fd = way == 1 ? chunk[9] : way == 2 ? c : c->fd->fd;
        if (way == 0)
            c->fd->fd = c->fd;
        expect_fail(way == 2
                        ? "corrupted fast bin: link leads to no chunk of this bin"
                        : "corrupted bin: link leads to no chunk of this kind of bin",
                    sieve_call, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sieve_takes_what_is_idle),
        cmocka_unit_test(sieve_counts_anew),
        cmocka_unit_test(sieve_keeps_the_lowest),
        cmocka_unit_test(sieve_keeps_far_ones_apart),
        cmocka_unit_test(sieve_knows_what_is_binned),
        cmocka_unit_test(sieve_forgets_what_is_taken),
        cmocka_unit_test(sieve_or_drain),
        cmocka_unit_test(sieve_rest_comes_first),
        cmocka_unit_test(sieve_waits_for_half),
        cmocka_unit_test(sieve_goes_in_parts),
        cmocka_unit_test(sieve_keeps_the_order),
        cmocka_unit_test(sieve_without_memory),
        cmocka_unit_test(sieve_finds_broken_bins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
