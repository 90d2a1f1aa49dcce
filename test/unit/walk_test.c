/* The walk over memory that is torn, damaged or missing: it ends, it stays inside what
 * can be read, and a window changes nothing in what it sees. */
#include "support/arena_world.h"

#include "audit/audit.h"
#include "audit/root.h"
#include "core/cache.h"
#include "core/mapped.h"
#include "core/meta.h"
#include "support/random.h"

#include <sys/uio.h>
#include <unistd.h>

struct cache *cache_list; /* front's */

enum { ROOM = 16 * KIB };
static _Alignas(4096) unsigned char walk_window[ROOM];
static unsigned walk_reads;

/* Any address may be asked for: what is not mapped is not there. */
static size_t walk_safe_read(struct reader *r, uint64_t address, void *out, size_t size)
{
    struct iovec here = {out, size}, there = {(void *)(uintptr_t)address, size};
    (void)r;
    walk_reads++;
    ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

static bool walk_safe_fill(struct reader *r, uint64_t address, size_t size)
{
    r->start = address & ~(uint64_t)4095;
    r->window = (uintptr_t)walk_window;
    r->length = size > ROOM - 4096 ? 0 : walk_safe_read(r, r->start, walk_window, ROOM);
    return reader_has(r, address, size);
}

static struct arena *walk_world(void)
{
    static struct chunk *c[400];
    struct random dice = {7};
    struct arena *a = world_new(1);
    memset(&mapped, 0, sizeof mapped);
    lock_init(&mapped.lock, RANK_MAPPED);
    cache_list = NULL;
    root_init(4096);
    chunky_root.arena_main = a;
    for (unsigned i = 0; i < 400; i++)
        c[i] = world_take(a, 32 + 16 * random_below(&dice, 500));
    for (unsigned i = 0; i < 400; i++)
        if (random_below(&dice, 3) != 0)
            world_give(a, c[i]);
    return a;
}

static void walk_ignore(struct audit *u, const struct audit_finding *f)
{
    (void)u;
    assert_non_null(f->rule);
}

static uint64_t walk_audit(struct reader *r, struct audit *u)
{
    struct walk w;
    *u = (struct audit){.walk = &w, .report = walk_ignore, .most = 50};
    if (walk_open(&w, r, (uintptr_t)&chunky_root) != WALK_OK)
        return 1;
    audit_all(u);
    return u->findings;
}

static void walk_window_sees_the_same(void **state)
{
    (void)state;
    struct audit through, own;
    struct reader r;
    walk_world();
    reader_own(&r);
    assert_int_equal(walk_audit(&r, &own), 0);
    r = (struct reader){.read = walk_safe_read, .fill = walk_safe_fill};
    walk_reads = 0;
    assert_int_equal(walk_audit(&r, &through), 0);
    if (walk_reads == 0)
        unit_fail("process_vm_readv is not available here");
    assert_int_equal(through.chunks, own.chunks);
    assert_memory_equal(through.state, own.state, sizeof own.state);
}

/* Somewhere in the arena, a heap, a header or a link: any value. */
static unsigned char *walk_pick(struct arena *a, struct random *dice)
{
    struct heap *h = a->heaps;
    switch (random_below(dice, 4)) {
    case 0:
        return (unsigned char *)a + random_below(dice, sizeof *a - 7);
    case 1:
        return (unsigned char *)h + random_below(dice, sizeof *h);
    default: {
        struct chunk *c = h->first;
        for (size_t n = random_below(dice, 700); n > 0 && c != heap_fence(h); n--)
            c = chunk_next(c);
        return (unsigned char *)c + random_below(dice, c == heap_fence(h) ? 9 : 25);
    }
    }
}

static void walk_survives_damage(void **state)
{
    (void)state;
    struct random dice = {11};
    struct arena *a = walk_world();
    unsigned found = 0;
    for (unsigned round = 0; round < 1000; round++) {
        struct reader r = {.read = walk_safe_read, .fill = walk_safe_fill};
        struct audit u;
        uint64_t saved, value = random_next(&dice) >> random_below(&dice, 64);
        unsigned char *where = walk_pick(a, &dice);
        size_t size = (size_t)1 << random_below(&dice, 4);
        memcpy(&saved, where, size);
        memcpy(where, &value, size);
        found += walk_audit(&r, &u) != 0;
        memcpy(where, &saved, size);
    }
    struct reader r = {.read = walk_safe_read, .fill = walk_safe_fill};
    struct audit u;
    assert_int_equal(walk_audit(&r, &u), 0);
    /* User bytes and counters may hold anything; most else may not. */
    assert_in_range(found, 300, 1000);
}

static void walk_refuses_other_roots(void **state)
{
    (void)state;
    struct reader r;
    struct walk w;
    walk_world();
    reader_own(&r);
    struct root copy = chunky_root;
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_NO_ROOT);
    copy.self = &copy;
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_OK);
    copy.page = 0;
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_EMPTY);
    copy.page = 5000;
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_OTHER);
    copy = chunky_root;
    copy.self = &copy;
    copy.major++;
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_OTHER);
    copy.magic[3] = '\0';
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_NO_ROOT);
    struct reader safe = {.read = walk_safe_read, .fill = walk_safe_fill};
    assert_int_equal(walk_open(&w, &safe, 4096), WALK_UNREADABLE);
}

/* Fields that a build has elsewhere, or not at all, are found by the table. */
static void walk_follows_the_table(void **state)
{
    (void)state;
    struct reader r;
    struct walk w;
    struct walk_arena before, after;
    struct arena *a = walk_world();
    static unsigned char moved[sizeof(struct arena) + 64];
    struct layout_field table[LAYOUT_FIELDS];
    reader_own(&r);
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&chunky_root), WALK_OK);
    assert_true(walk_read_arena(&w, (uintptr_t)a, &before));
    struct root copy = chunky_root;
    copy.self = &copy;
    copy.fields = table;
    memcpy(table, chunky_root.fields, sizeof table);
    for (unsigned i = ARENA_LOCK; i <= ARENA_COUNTS; i++)
        table[i].offset += 64;
    table[ARENA_DIRTY_BYTES].size = 0;
    memcpy(moved + 64, a, sizeof *a);
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_OK);
    assert_true(walk_read_arena(&w, (uintptr_t)moved, &after));
    assert_int_equal(after.dirty_bytes, 0);
    after.address = before.address;
    after.dirty_bytes = before.dirty_bytes;
    assert_memory_equal(&after, &before, sizeof before);
}

/* Magazines as they are, and as version 1 had them, with whole addresses; a slot of any other
 * width is none. */
static void walk_reads_old_magazines(void **state)
{
    (void)state;
    struct reader r;
    struct walk w;
    struct walk_magazine m;
    struct magazine now = {.class = 3};
    struct {
        uint64_t next;
        uint32_t class, count;
        uint64_t slot[62];
    } old = {.class = 3, .count = 62};
    void *mem[MAGAZINE_SLOTS];
    uint64_t got[2 * MAGAZINE_SLOTS];
    struct root copy = chunky_root;
    struct layout_field table[LAYOUT_FIELDS];
    for (uintptr_t i = 0; i < 62; i++)
        old.slot[i] = 0x7f1234560010 + i * 48;
    for (uintptr_t i = 0; i < MAGAZINE_SLOTS; i++)
        mem[i] = (void *)(uintptr_t)old.slot[i];
    assert_int_equal(magazine_fill(&now, mem, MAGAZINE_SLOTS), 0);
    reader_own(&r);
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&chunky_root), WALK_OK);
    assert_true(walk_read_magazine(&w, (uintptr_t)&now, &m));
    assert_int_equal(walk_read_slots(&w, &m.slots, 0, got, 100), MAGAZINE_SLOTS);
    assert_memory_equal(got, old.slot, MAGAZINE_SLOTS * sizeof *got);
    assert_int_equal(walk_read_slots(&w, &m.slots, MAGAZINE_SLOTS, got, 1), 0);
    copy.self = &copy;
    copy.major = LAYOUT_FIRST;
    copy.magazine_slots = 62;
    copy.fields = table;
    memcpy(table, chunky_root.fields, sizeof table);
    table[MAGAZINE_SLOT] = (struct layout_field){16, 8, 62};
    table[MAGAZINE_HIGH].size = 0;
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_OK);
    assert_true(walk_read_magazine(&w, (uintptr_t)&old, &m));
    assert_int_equal(walk_read_slots(&w, &m.slots, 2, got, 100), 60);
    assert_memory_equal(got, old.slot + 2, 60 * sizeof *got);
    table[MAGAZINE_SLOT].size = 7;
    assert_int_equal(walk_open(&w, &r, (uintptr_t)&copy), WALK_OK);
    assert_false(walk_read_magazine(&w, (uintptr_t)&old, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_window_sees_the_same),
        cmocka_unit_test(walk_survives_damage),
        cmocka_unit_test(walk_refuses_other_roots),
        cmocka_unit_test(walk_follows_the_table),
        cmocka_unit_test(walk_reads_old_magazines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
