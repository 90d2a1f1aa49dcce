/* The invariants of lists but the bins: fast, dirty, caches, depots, mappings. */
#include "audit/audit.h"

#include "core/arena.h"

enum { SLOTS_BATCH = 64 };

bool audit_fast(struct audit *u)
{
    struct audit_links l;
    uint64_t count = 0, most = u->state[WALK_FAST].count;
    for (unsigned bin = 0; bin < u->walk->root.fast_count; bin++) {
        uint64_t at = walk_element(u->walk, u->arena.address, ARENA_FAST, bin);
        for (; at != 0; at = l.fd)
            if (!audit_links_of(u, at, &l) || l.chunk.state != WALK_FAST ||
                l.chunk.size != (uint64_t)bin * CHUNK_ALIGN || count++ == most)
                return audit_find(u, RULE_B7, at, 0, bin, 0);
    }
    return count == most || audit_find(u, RULE_B7, 0, 0, count, most);
}

/* Dirty pages of one free chunk, bytes. */
static uint64_t audit_dirty(struct audit *u, const struct walk_chunk *c)
{
    uint64_t from, to;
    audit_interior(u, c, &from, &to);
    uint64_t clean =
        walk_word(u->walk, c->address + offsetof(struct chunk, clean_to)) -
        walk_word(u->walk, c->address + offsetof(struct chunk, clean_from));
    return to > from ? to - from - clean : 0;
}

static bool audit_dirty_list(struct audit *u, unsigned list, uint64_t *sum)
{
    struct audit_links l;
    uint64_t before = 0, at = u->arena.dirty_oldest[list], count = 0;
    for (; at != 0; before = at, at = l.dirty_next) {
        if (!audit_links_of(u, at, &l) || !walk_is_binned(l.chunk.state) ||
            l.chunk.size < TAIL_MIN || l.dirty_prev != before || count++ > u->chunks)
            return audit_find(u, RULE_A7, at, before, 0, 0);
        *sum += audit_dirty(u, &l.chunk);
    }
    if (before != u->arena.dirty_newest[list])
        return audit_find(u, RULE_A7, before, u->arena.dirty_newest[list], 0, 0);
    return true;
}

bool audit_dirty_lists(struct audit *u)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < WALK_DIRTY; i++)
        if (!audit_dirty_list(u, i, &sum))
            return false;
    return sum == u->dirty || audit_find(u, RULE_A7, 0, 0, sum, u->dirty);
}

/* At least the class's size, and below the next one's; 16 bytes more when they were too
 * few to split off. */
static bool audit_is_of_class(const struct audit *u, uint64_t size, uint64_t class)
{
    const uint32_t *sizes = u->walk->class_size;
    if (size < sizes[class])
        return false;
    return size <= sizes[class] + CHUNK_ALIGN ||
           class + 1 >= u->walk->root.class_count || size < sizes[class + 1];
}

static bool audit_slot(struct audit *u, enum audit_id rule, const struct walk_chunk *c,
                       uint64_t class, uint64_t *bytes)
{
    if (c->state != WALK_OUT || (class != 0 && !audit_is_of_class(u, c->size, class)))
        return audit_find(u, rule, c->address, 0, c->address + CHUNK_HEADER, class);
    *bytes += class != 0 ? u->walk->class_size[class] : c->size;
    return true;
}

/* The headers of chunks whose mems are at `slot`; what is none is broken. */
static void audit_headers(struct audit *u, const uint64_t *slot, size_t count,
                          struct walk_chunk *c)
{
    struct reader *r = u->walk->reader;
    uint64_t address[SLOTS_BATCH];
    unsigned char raw[SLOTS_BATCH][CHUNK_HEADER];
    for (size_t i = 0; i < count; i++)
        address[i] = slot[i] - CHUNK_HEADER;
    if (r->gather != NULL)
        r->gather(r, address, count, raw, CHUNK_HEADER);
    for (size_t i = 0; i < count; i++) {
        bool aligned = slot[i] >= CHUNK_HEADER && slot[i] % CHUNK_ALIGN == 0;
        c[i] = (struct walk_chunk){.address = address[i], .state = WALK_BROKEN};
        if (aligned && r->gather != NULL)
            walk_chunk_copy(u->walk, address[i], raw[i], &c[i]);
        else if (aligned && !walk_chunk_anywhere(u->walk, address[i], &c[i]))
            c[i].state = WALK_BROKEN;
    }
}

/* Slots in a row, of a stack or a magazine. */
static bool audit_slots(struct audit *u, enum audit_id rule, const struct walk_slots *s,
                        uint64_t class, uint64_t *bytes)
{
    for (uint64_t done = 0; done < s->count;) {
        uint64_t slot[SLOTS_BATCH] = {0};
        struct walk_chunk c[SLOTS_BATCH];
        size_t n = walk_read_slots(u->walk, s, done, slot, SLOTS_BATCH);
        if (n == 0)
            return audit_find(u, rule, 0, s->at, 0, class);
        audit_headers(u, slot, n, c);
        for (size_t i = 0; i < n; i++)
            if (!audit_slot(u, rule, &c[i], class, bytes))
                return false;
        done += n;
    }
    return true;
}

/* A list of magazines of `class`, or of any class if that is UINT64_MAX. */
bool audit_magazines(struct audit *u, uint64_t first, uint64_t class, uint64_t *bytes)
{
    struct walk_magazine m;
    uint64_t seen = 0;
    for (uint64_t at = first; at != 0; at = m.next) {
        if (!walk_read_magazine(u->walk, at, &m) || m.count == 0 ||
            (class != UINT64_MAX && m.class != class) || seen++ == WALK_LISTS_MAX)
            return audit_find(u, RULE_D1, 0, at, m.class, class);
        if (!audit_slots(u, RULE_D3, &m.slots, m.class, bytes))
            return false;
    }
    return true;
}

bool audit_depot(struct audit *u)
{
    uint64_t bytes = 0, waiting = 0;
    for (unsigned class = 0; class < u->walk->root.class_count; class ++) {
        uint64_t first =
            walk_element(u->walk, u->arena.address, ARENA_DEPOT_FULL, class);
        if (!audit_magazines(u, first, class, &bytes))
            return false;
    }
    if (bytes != u->arena.depot_bytes)
        if (!audit_find(u, RULE_D2, 0, 0, u->arena.depot_bytes, bytes))
            return false;
    /* Others push meanwhile, so the sum of what waits there is not compared. */
    return audit_magazines(u, u->arena.remote_list, UINT64_MAX, &waiting);
}

static bool audit_stack(struct audit *u, const struct walk_cache *k, unsigned class,
                        uint64_t *capacity)
{
    struct walk_stack s;
    uint64_t bytes = 0;
    if (!walk_read_stack(u->walk, k->address, class, &s))
        return audit_find(u, RULE_K1, 0, k->address, class, 0);
    if (s.base == 0)
        return true;
    *capacity += (uint64_t)s.allowed * u->walk->class_size[class];
    if (s.top < s.base || s.top > s.limit || (s.top - s.base) % 8 != 0 ||
        s.limit != s.base + 8 * (uint64_t)s.allowed || s.allowed > s.room)
        return audit_find(u, RULE_K1, 0, k->address, class, s.allowed);
    if (walk_word(u->walk, s.base - 8) != 0)
        return audit_find(u, RULE_K3, 0, k->address, class, 0);
    struct walk_slots slots = walk_stack_slots(&s);
    return audit_slots(u, RULE_K2, &slots, class, &bytes);
}

bool audit_caches(struct audit *u)
{
    struct walk_cache k;
    struct walk_arena a;
    uint64_t before = 0, count = 0;
    for (uint64_t at = walk_first_cache(u->walk); at != 0; before = at, at = k.next) {
        uint64_t capacity = 0;
        if (!walk_read_cache(u->walk, at, &k) || k.prev != before ||
            !walk_read_arena(u->walk, k.arena, &a) || count++ == WALK_LISTS_MAX)
            return audit_find(u, RULE_K5, 0, at, k.prev, before);
        for (unsigned class = 1; class < u->walk->root.class_count; class ++)
            if (!audit_stack(u, &k, class, &capacity))
                return false;
        if (capacity != k.capacity &&
            !audit_find(u, RULE_K4, 0, at, k.capacity, capacity))
            return false;
    }
    return true;
}

static bool audit_mapped_one(struct audit *u, const struct walk_mapped_all *all,
                             const struct walk_mapped *m)
{
    struct walk_chunk c;
    uint64_t end = m->start + m->length;
    /* Idle: a thread is about to free it. */
    if (!walk_chunk_anywhere(u->walk, m->chunk, &c) || c.state == WALK_BROKEN ||
        c.state == WALK_LIVE)
        return audit_find(u, RULE_M1, m->chunk, m->address, 0, 0);
    if (m->chunk < m->start || c.address + c.size != end)
        return audit_find(u, RULE_M1, m->chunk, m->address, c.address + c.size, end);
    if (c.prev_size != m->slot || m->slot >= all->slot_free ||
        walk_word(u->walk, all->slots + 8 * m->slot) != m->address)
        return audit_find(u, RULE_M2, m->chunk, m->address, c.prev_size, m->slot);
    return true;
}

/* A list of records; sums their lengths. */
static bool audit_mapped_list(struct audit *u, const struct walk_mapped_all *all,
                              uint64_t first, bool live, struct audit_sum *sum)
{
    struct walk_mapped m;
    uint64_t before = 0;
    for (uint64_t at = first; at != 0; before = at, at = m.next) {
        if (!walk_read_mapped(u->walk, at, &m) || m.prev != before ||
            sum->count++ == all->slot_free)
            return audit_find(u, RULE_M3, 0, at, m.prev, before);
        sum->size += m.length;
        if (live && !audit_mapped_one(u, all, &m))
            return false;
    }
    return true;
}

bool audit_mapped(struct audit *u)
{
    struct walk_mapped_all all;
    struct audit_sum live = {0, 0}, kept = {0, 0};
    if (!walk_read_mapped_all(u->walk, &all))
        return audit_find(u, RULE_M3, 0, 0, 0, 0);
    if (!audit_mapped_list(u, &all, all.live, true, &live) ||
        !audit_mapped_list(u, &all, all.kept, false, &kept))
        return false;
    u->chunks += live.count + kept.count;
    if (live.count != all.count || live.size != all.bytes ||
        kept.size != all.kept_bytes)
        return audit_find(u, RULE_M4, 0, 0, live.size, all.bytes);
    return true;
}

bool audit_meta(struct audit *u)
{
    struct walk_meta m;
    uint64_t sum = 0, count = 0;
    if (!walk_read_meta(u->walk, &m))
        return audit_find(u, RULE_T1, 0, 0, 0, 0);
    for (uint64_t at = m.regions; at != 0 && count < WALK_LISTS_MAX; count++) {
        sum += walk_element(u->walk, at, REGION_BYTES, 0);
        at = walk_element(u->walk, at, REGION_NEXT, 0);
    }
    return sum == m.mapped || audit_find(u, RULE_T1, 0, 0, sum, m.mapped);
}
