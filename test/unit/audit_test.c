/* Every numbered invariant: a sound heap breaks none, and damage made on purpose breaks
 * the one that it should. */
#include "support/arena_world.h"

#include "audit/audit.h"
#include "audit/root.h"
#include "core/cache.h"
#include "core/mapped.h"
#include "core/meta.h"

struct cache *cache_list; /* front's */

/* What the tests damage, each by its place in the heap. */
static struct {
    struct arena *a;
    struct chunk *live, *fast, *unsorted, *small[3], *large[4], *dirty, *before_top;
    struct chunk *idle, *mapped;
    struct magazine *magazine;
    struct cache *cache, *second;
    void **base;
} at;

static struct chunk *audit_take(size_t size)
{
    struct chunk *c = world_take(at.a, size);
    assert_non_null(c);
    return c;
}

/* Free chunks that cannot merge: each between two live ones. */
static struct chunk *audit_spaced(size_t size)
{
    struct chunk *c = audit_take(size);
    audit_take(32);
    return c;
}

static void audit_make_cache(void)
{
    unsigned class = class_floor(64);
    at.cache = meta_take(sizeof *at.cache);
    at.second = meta_take(sizeof *at.second);
    at.base = (void **)meta_take(64) + 1;
    at.base[0] = mem_of(at.idle);
    at.cache->state[class] =
        (struct stack_state){.base = at.base, .room = 7, .allowed = 4};
    at.cache->stack[class] = (struct stack){at.base + 1, at.base + 4};
    at.cache->capacity = 4 * 64;
    at.cache->arena = at.second->arena = at.a;
    at.cache->next = at.second;
    at.second->prev = at.cache;
    cache_list = at.cache;
}

static void audit_make(unsigned index)
{
    bool zeroed;
    at.a = world_new(index);
    memset(&mapped, 0, sizeof mapped);
    lock_init(&mapped.lock, RANK_MAPPED);
    root_init(4096);
    chunky_root.arena_main = at.a;
    at.idle = arena_take(at.a, 64, NULL);
    struct chunk *stored = arena_take(at.a, 96, NULL);
    at.live = audit_spaced(160);
    at.fast = audit_spaced(48);
    for (unsigned i = 0; i < 3; i++)
        at.small[i] = audit_spaced(512);
    static const size_t sizes[] = {2048, 2048, 2064, 2080};
    for (unsigned i = 0; i < 4; i++)
        at.large[i] = audit_spaced(sizes[i]);
    at.dirty = audit_spaced(40000);
    at.unsorted = audit_spaced(1024);
    struct chunk *second = audit_spaced(1040);
    at.before_top = audit_take(208);
    world_give(at.a, at.fast);
    for (unsigned i = 0; i < 3; i++)
        world_give(at.a, at.small[i]);
    for (unsigned i = 0; i < 4; i++)
        world_give(at.a, at.large[i]);
    world_give(at.a, at.dirty);
    while (at.a->unsorted != NULL)
        binned_unsorted_to_sorted(at.a, at.a->unsorted);
    world_give(at.a, at.unsorted);
    world_give(at.a, second);
    audit_make_cache();
    at.magazine = meta_take(sizeof *at.magazine);
    at.magazine->class = (uint16_t)class_floor(96);
    magazine_fill(at.magazine, &(void *){mem_of(stored)}, 1);
    depot_give(&at.a->depot, at.magazine);
    at.mapped = mapped_take(200000, 16, &world_tune, &zeroed);
    assert_non_null(at.mapped);
    assert_non_null(mapped_take(300000, 16, &world_tune, &zeroed));
}

/* --- running the audit ------------------------------------------------------ */

static const char *audit_first; /* rule of the first finding */

static void audit_note(struct audit *u, const struct audit_finding *f)
{
    (void)u;
    if (audit_first == NULL)
        audit_first = f->rule;
}

static uint64_t audit_run(void)
{
    struct reader own;
    struct walk w;
    struct audit u = {.walk = &w, .report = audit_note, .most = 100};
    audit_first = NULL;
    reader_own(&own);
    assert_int_equal(walk_open(&w, &own, (uintptr_t)&chunky_root), WALK_OK);
    audit_all(&u);
    return u.findings;
}

/* The audit finds `rule` first while `size` bytes at `where` are `value`. */
static void audit_expect(const char *rule, void *where, uint64_t value, size_t size)
{
    uint64_t saved;
    memcpy(&saved, where, size);
    assert_memory_not_equal(where, &value, size);
    memcpy(where, &value, size);
    uint64_t findings = audit_run();
    memcpy(where, &saved, size);
    if (findings == 0 || strncmp(audit_first, rule, strlen(rule)) != 0) {
        print_error("%s: %s\n", rule, findings == 0 ? "not found" : audit_first);
        unit_fail("the damage was not told as this rule");
    }
    assert_int_equal(audit_run(), 0);
}

#define BREAKS(rule, member, value)                                                    \
    audit_expect(rule, &(member), (uint64_t)(value), sizeof(member))

/* A chunk's header becomes another valid one. */
static void audit_expect_header(const char *rule, struct chunk *c, size_t size,
                                uint32_t flags, bool live)
{
    unsigned char saved[CHUNK_HEADER];
    memcpy(saved, c, sizeof saved);
    chunk_set_idle(&heap_keys, c, size, flags);
    if (live)
        chunk_flip(c);
    uint64_t header;
    memcpy(&header, (char *)c + 8, sizeof header);
    memcpy(c, saved, sizeof saved);
    audit_expect(rule, (char *)c + 8, header, sizeof header);
}

/* --- the tests -------------------------------------------------------------- */

static void audit_sound_heap(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        audit_make(index);
        assert_int_equal(audit_run(), 0);
        world_walk(at.a);
    }
}

static void audit_arenas(void **state)
{
    (void)state;
    audit_make(0);
    BREAKS("A1", at.a->generation, 1);
    BREAKS("A2", at.a->heap_bytes, at.a->heap_bytes + 16);
    BREAKS("A3", at.a->free_bytes, at.a->free_bytes - 16);
    BREAKS("A4", at.a->fast_bytes, 0);
    BREAKS("A5", at.a->top, (uintptr_t)at.live);
    BREAKS("A5", at.a->top_heap, 0);
    BREAKS("A6", at.a->dirty_bytes[DIRTY_SHORT_LIST],
           at.a->dirty_bytes[DIRTY_SHORT_LIST] + 4096);
    BREAKS("A7", at.a->dirty_newest[DIRTY_LONG_LIST], (uintptr_t)at.large[0]);
    BREAKS("A7", at.dirty->dirty_prev, (uintptr_t)at.large[0]);
    BREAKS("A7", at.a->dirty_oldest[DIRTY_LONG_LIST], 0);
}

static void audit_heaps_broken(void **state)
{
    (void)state;
    audit_make(0);
    struct heap *h = at.a->heaps;
    BREAKS("H1", h->magic, 0);
    BREAKS("H1", h->arena, 0);
    BREAKS("H2", h->first, (uintptr_t)h->first + 8);
    BREAKS("H2", h->end, h->start);
    BREAKS("H4", h->next, (uintptr_t)h);
    audit_expect("H5", (char *)heap_fence(h) + 8, 0, 8);
    audit_make(1);
    h = at.a->heaps;
    BREAKS("H3", h->limit, h->limit + HEAP_SPAN);
}

static void audit_chunks_broken(void **state)
{
    (void)state;
    audit_make(1);
    uint32_t flags = at.a->flags | PREV_INUSE;
    BREAKS("C1", at.live->check, at.live->check + 1);
    BREAKS("C1", at.small[1]->check, at.small[1]->check ^ 0x100);
    BREAKS("C1", at.live->bits, at.live->bits + 16);
    audit_expect_header("C2", at.live, 16, flags, true);
    audit_expect_header("C2", at.live, (size_t)1 << 40, flags, true);
    audit_expect_header("C3", chunk_at(at.large[0], 2048), 32,
                        at.a->flags | IDLE_UNSORTED, false);
    BREAKS("C4", chunk_at(at.live, 160)->bits,
           chunk_at(at.live, 160)->bits ^ PREV_INUSE);
    BREAKS("C4", chunk_at(at.small[0], 512)->bits,
           chunk_at(at.small[0], 512)->bits ^ PREV_INUSE);
    BREAKS("C5", chunk_at(at.small[0], 512)->prev_size, 528);
    audit_expect_header("C6", at.live, 160, PREV_INUSE, true);
    audit_expect_header("C4", at.a->top, chunk_size(at.a->top), at.a->flags, false);
    BREAKS("C8", at.dirty->clean_to, (uintptr_t)at.dirty + 5000);
    audit_expect_header("C7", at.before_top, 208, flags | IDLE_UNSORTED, false);
}

static void audit_bins_broken(void **state)
{
    (void)state;
    audit_make(1);
    struct bins *b = &at.a->bins;
    BREAKS("B1", at.small[1]->bk, (uintptr_t)at.small[2]);
    BREAKS("B1", at.small[0]->fd, 0);
    BREAKS("B1", b->head[bin_index(512)], 8);
    BREAKS("B2", b->head[bin_index(512)], (uintptr_t)at.large[2]);
    BREAKS("B1", at.small[0]->fd, (uintptr_t)at.live);
    BREAKS("B3", b->map[0], 0);
    BREAKS("B3", b->map[1], b->map[1] | 1ULL << 63);
    BREAKS("B4", b->head[bin_index(2064)], (uintptr_t)at.large[3]);
    BREAKS("B5", at.large[2]->bk_size, (uintptr_t)at.live);
    BREAKS("B5", at.large[2]->fd_size, 0);
    BREAKS("B7", at.a->fast[3], 0);
    BREAKS("B7", at.fast->fd, (uintptr_t)at.fast);
    BREAKS("B7", at.fast->fd, (uintptr_t)at.live);
    BREAKS("B8", at.a->unsorted, 0);
    struct chunk *lost = b->head[bin_index(2048)];
    b->map[bin_index(2048) / 64] ^= 1ULL << (bin_index(2048) % 64);
    b->head[bin_index(2048)] = NULL;
    assert_int_not_equal(audit_run(), 0);
    assert_memory_equal(audit_first, "B6", 2);
    b->head[bin_index(2048)] = lost;
}

static void audit_caches_broken(void **state)
{
    (void)state;
    audit_make(1);
    unsigned class = class_floor(64);
    BREAKS("K1", at.cache->stack[class].top, (uintptr_t)(at.base + 5));
    BREAKS("K1", at.cache->state[class].allowed, 5);
    BREAKS("K2", at.base[0], (uintptr_t)mem_of(at.live));
    BREAKS("K2", at.base[0], (uintptr_t)mem_of(at.small[0]));
    BREAKS("K2", at.base[0], (uintptr_t)magazine_at(at.magazine, 0));
    BREAKS("K3", at.base[-1], 16);
    BREAKS("K4", at.cache->capacity, 0);
    BREAKS("K5", at.second->prev, 0);
    BREAKS("K5", at.cache->arena, 0);
    BREAKS("D1", at.magazine->class, CLASS_COUNT);
    BREAKS("D1", at.magazine->count, MAGAZINE_SLOTS + 1);
    BREAKS("D2", at.a->depot.bytes, 0);
    BREAKS("D3", at.magazine->slot[0], magazine_low(mem_of(at.idle)));
    BREAKS("D3", at.magazine->slot[0], magazine_low(mem_of(at.fast)));
}

static void audit_mapped_broken(void **state)
{
    (void)state;
    audit_make(0);
    struct mapped *m = mapped.live;
    BREAKS("M1", m->length, m->length + 4096);
    BREAKS("M1", m->chunk, (uintptr_t)at.live);
    BREAKS("M2", m->chunk->prev_size, 7);
    BREAKS("M2", at.mapped->prev_size, 1);
    BREAKS("M3", m->next->prev, 0);
    BREAKS("M4", mapped.count, 1);
    BREAKS("M4", mapped.bytes, 0);
    BREAKS("M4", mapped.kept_bytes, 4096);
    BREAKS("T1", meta.mapped, meta.mapped + 4096);
}

/* No two rules share a number. */
static void audit_names_every_rule(void **state)
{
    (void)state;
    unsigned count = 0;
    for (; audit_rule(count) != NULL; count++)
        for (unsigned i = 0; i < count; i++)
            assert_memory_not_equal(audit_rule(i), audit_rule(count), 3);
    assert_int_equal(count, RULE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audit_sound_heap),    cmocka_unit_test(audit_arenas),
        cmocka_unit_test(audit_heaps_broken),  cmocka_unit_test(audit_chunks_broken),
        cmocka_unit_test(audit_bins_broken),   cmocka_unit_test(audit_caches_broken),
        cmocka_unit_test(audit_mapped_broken), cmocka_unit_test(audit_names_every_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
