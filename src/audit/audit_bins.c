/*
 * The invariants of bins. Many rings are followed at a time, a step each, so that a reader
 * of another process can fetch their next chunks with one call. See audit.h.
 */
#include "audit/audit.h"

#include "core/arena.h"

enum { RINGS = 64, LINKS_SIZE = offsetof(struct chunk, dirty_next) };

/* A ring that is being followed. */
struct audit_ring {
    uint64_t head, count;
    struct audit_links l; /* of the chunk that was reached */
    unsigned bin;         /* BIN_COUNT: the unsorted one */
    bool done;
};

static void audit_links_copy(struct audit *u, uint64_t address, const struct chunk *raw,
                             struct audit_links *l)
{
    memset(l, 0, sizeof *l);
    walk_chunk_copy(u->walk, address, raw, &l->chunk);
    l->fd = (uintptr_t)raw->fd;
    l->bk = (uintptr_t)raw->bk;
    if (l->chunk.size >= LARGE_MIN) {
        l->fd_size = (uintptr_t)raw->fd_size;
        l->bk_size = (uintptr_t)raw->bk_size;
    }
    if (l->chunk.size >= TAIL_MIN) {
        l->dirty_next = (uintptr_t)raw->dirty_next;
        l->dirty_prev = (uintptr_t)raw->dirty_prev;
    }
}

bool audit_links_of(struct audit *u, uint64_t address, struct audit_links *l)
{
    struct walk_chunk c;
    struct chunk raw;
    struct reader *r = u->walk->reader;
    memset(l, 0, sizeof *l);
    if (address == 0)
        return false;
    if (r->gather != NULL) { /* mostly enough, and one call */
        memset(&raw, 0, sizeof raw);
        r->gather(r, &address, 1, &raw, LINKS_SIZE);
        audit_links_copy(u, address, &raw, l);
        if (l->chunk.state == WALK_BROKEN || address % CHUNK_ALIGN != 0)
            return false;
        if (l->chunk.size < TAIL_MIN)
            return true;
    }
    if (!walk_chunk_anywhere(u->walk, address, &c) || c.state == WALK_BROKEN)
        return false;
    size_t size = c.size >= TAIL_MIN    ? sizeof raw
                  : c.size >= LARGE_MIN ? LINKS_SIZE
                                        : offsetof(struct chunk, fd_size);
    memset(&raw, 0, sizeof raw);
    if (!reader_get(r, address, &raw, size))
        return false;
    audit_links_copy(u, address, &raw, l);
    return true;
}

/* Sizes rise along a large bin; the first of each size is linked to the next first. */
static bool audit_order(struct audit *u, const struct audit_links *l,
                        const struct audit_links *next, bool wraps)
{
    bool same = l->chunk.size == next->chunk.size;
    if (!wraps && next->chunk.size < l->chunk.size)
        return audit_find(u, RULE_B4, next->chunk.address, l->chunk.address,
                          next->chunk.size, l->chunk.size);
    bool is_first = wraps || !same;
    if (is_first == (next->fd_size == 0))
        return audit_find(u, RULE_B5, next->chunk.address, l->chunk.address,
                          next->fd_size, is_first);
    struct audit_links up;
    if (is_first &&
        (!audit_links_of(u, next->fd_size, &up) || up.bk_size != next->chunk.address))
        return audit_find(u, RULE_B5, next->chunk.address, next->fd_size, up.bk_size,
                          next->chunk.address);
    return true;
}

static bool audit_is_here(const struct audit_links *l, unsigned bin)
{
    if (bin == BIN_COUNT)
        return l->chunk.state == WALK_UNSORTED;
    return (l->chunk.state == WALK_SMALL || l->chunk.state == WALK_LARGE) &&
           bin_index(l->chunk.size) == bin;
}

/* Goes on to `next`, which was read where fd leads; NULL: nothing is there. False when
 * the audit ends; a ring with a finding is done. */
static bool audit_step(struct audit *u, struct audit_ring *r,
                       const struct audit_links *next, uint64_t most,
                       struct audit_sum *sum)
{
    uint64_t at = r->l.chunk.address, findings = u->findings;
    bool more = true;
    if (!audit_is_here(&r->l, r->bin))
        more = audit_find(u, RULE_B2, at, 0, r->l.chunk.size, r->bin);
    else if (next == NULL || next->bk != at || r->count++ == most)
        more = audit_find(u, RULE_B1, at, r->l.fd, next == NULL ? 0 : next->bk, at);
    else if (r->bin >= BIN_SMALL && r->bin != BIN_COUNT)
        more = audit_order(u, &r->l, next, r->l.fd == r->head);
    if (u->findings != findings || next == NULL) {
        r->done = true;
        return more;
    }
    sum->size += r->l.chunk.size;
    sum->count++;
    r->done = r->l.fd == r->head;
    r->l = *next;
    return true;
}

/* Reads the chunks at `address`, as many as there are. */
static void audit_fetch(struct audit *u, const uint64_t *address, size_t count,
                        struct audit_links *l, bool *got)
{
    unsigned char raw[RINGS][LINKS_SIZE];
    struct reader *r = u->walk->reader;
    if (r->gather == NULL) {
        for (size_t i = 0; i < count; i++)
            got[i] = audit_links_of(u, address[i], &l[i]);
        return;
    }
    r->gather(r, address, count, raw, LINKS_SIZE);
    for (size_t i = 0; i < count; i++) {
        struct chunk copy = {0};
        memcpy(&copy, raw[i], LINKS_SIZE);
        audit_links_copy(u, address[i], &copy, &l[i]);
        got[i] = address[i] != 0 && l[i].chunk.state != WALK_BROKEN;
    }
}

/* Follows rings to their ends. Sums what is in them; `most` chunks can be. */
static bool audit_rings(struct audit *u, struct audit_ring *ring, unsigned count,
                        uint64_t most, struct audit_sum *sum)
{
    uint64_t address[RINGS];
    struct audit_links next[RINGS];
    bool got[RINGS];
    unsigned place[RINGS], open = count;
    if (count == 0)
        return true;
    for (unsigned i = 0; i < count; i++)
        address[i] = ring[i].head;
    audit_fetch(u, address, count, next, got);
    for (unsigned i = 0; i < count; i++) {
        ring[i].l = next[i];
        ring[i].done = !got[i];
        if (!got[i] && !audit_find(u, RULE_B1, ring[i].head, 0, ring[i].bin, 0))
            return false;
    }
    while (open != 0) {
        open = 0;
        for (unsigned i = 0; i < count; i++) {
            if (ring[i].done)
                continue;
            place[open] = i;
            address[open++] = ring[i].l.fd;
        }
        audit_fetch(u, address, open, next, got);
        for (unsigned i = 0; i < open; i++)
            if (!audit_step(u, &ring[place[i]], got[i] ? &next[i] : NULL, most, sum))
                return false;
    }
    return true;
}

bool audit_bins(struct audit *u, unsigned part, unsigned parts,
                struct audit_sum bins[2])
{
    struct audit_ring ring[RINGS];
    uint64_t bits = 0, most = u->arena.heap_bytes / CHUNK_MIN;
    uint64_t arena = u->arena.address;
    unsigned count = 0;
    for (unsigned bin = 0; bin < u->walk->root.bin_count && bin < BIN_COUNT; bin++) {
        if (bin % 64 == 0)
            bits = walk_element(u->walk, arena, ARENA_BIN_MAP, bin / 64);
        if (bin % parts != part)
            continue;
        uint64_t head = walk_element(u->walk, arena, ARENA_BINS, bin);
        if ((head != 0) != ((bits >> (bin % 64) & 1) != 0))
            if (!audit_find(u, RULE_B3, head, 0, bin, 0))
                return false;
        if (head != 0)
            ring[count++] = (struct audit_ring){.head = head, .bin = bin};
        if (count == RINGS && !audit_rings(u, ring, count, most, &bins[0]))
            return false;
        count %= RINGS;
    }
    if (!audit_rings(u, ring, count, most, &bins[0]))
        return false;
    ring[0] = (struct audit_ring){.head = u->arena.unsorted, .bin = BIN_COUNT};
    return part != 0 || u->arena.unsorted == 0 ||
           audit_rings(u, ring, 1, most, &bins[1]);
}

bool audit_bins_sums(struct audit *u, const struct audit_sum bins[2])
{
    const struct audit_sum *small = &u->state[WALK_SMALL],
                           *large = &u->state[WALK_LARGE];
    uint64_t count = small->count + large->count;
    if (bins[0].count != count || bins[0].size != small->size + large->size)
        if (!audit_find(u, RULE_B6, 0, 0, bins[0].count, count))
            return false;
    count = u->state[WALK_UNSORTED].count;
    return bins[1].count == count ||
           audit_find(u, RULE_B8, u->arena.unsorted, 0, bins[1].count, count);
}
