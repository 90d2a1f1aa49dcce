/* The invariants of arenas, heaps and chunks; see audit.h. No state but the caller's. */
#include "audit/audit.h"

#include "core/arena.h"

static const char *const audit_rules[RULE_COUNT] = {
    [RULE_A1] = "A1: generation is odd only while the arena is locked",
    [RULE_A2] = "A2: heap_bytes is the sum of the arena's heaps",
    [RULE_A3] = "A3: free_bytes is the sum of unsorted and binned chunks",
    [RULE_A4] = "A4: fast_bytes is the sum of chunks in fast bins",
    [RULE_A5] = "A5: the top is idle, and ends at the fence of top_heap",
    [RULE_A6] = "A6: dirty_bytes is the sum of resident whole pages in free chunks",
    [RULE_A7] = "A7: the lists of dirty chunks link both ways and hold them all",
    [RULE_H1] = "H1: a heap carries its magic word and belongs to its arena",
    [RULE_H2] = "H2: start, first, end and limit of a heap are in order and aligned",
    [RULE_H3] = "H3: a spanned heap starts at a multiple of its span",
    [RULE_H4] = "H4: heaps do not overlap",
    [RULE_H5] = "H5: a fence of 16 bytes, in use for ever, ends a heap",
    [RULE_C1] = "C1: the check of a header is right, or inverted",
    [RULE_C2] = "C2: sizes are multiples of 16, at least 32, and tile the heap",
    [RULE_C3] = "C3: no two adjacent free chunks",
    [RULE_C4] = "C4: P is clear exactly if the chunk before is binned",
    [RULE_C5] = "C5: the footer of a binned chunk is its size",
    [RULE_C6] = "C6: A is the heap's, and M is clear in heaps",
    [RULE_C7] = "C7: no binned chunk lies before the top",
    [RULE_C8] = "C8: the clean range is whole pages inside the chunk",
    [RULE_B1] = "B1: fd and bk of a bin agree, and lead back to its head",
    [RULE_B2] = "B2: a chunk lies in the bin of its size, and says so",
    [RULE_B3] = "B3: a bit of the map is set exactly if its bin is not empty",
    [RULE_B4] = "B4: large bins are in order of size",
    [RULE_B5] = "B5: the ring of sizes holds the first chunk of each size",
    [RULE_B6] = "B6: bins hold as many chunks as the heaps have binned ones",
    [RULE_B7] = "B7: fast bins end, and hold fast chunks of their size",
    [RULE_B8] = "B8: the unsorted bin holds the unsorted chunks of the heaps",
    [RULE_K1] = "K1: base, top and limit of a cache's stack are in order",
    [RULE_K2] = "K2: a cached pointer is an idle chunk of its class, in no bin",
    [RULE_K3] = "K3: below the lowest slot of a stack stands a NULL",
    [RULE_K4] = "K4: capacity is what a cache's stacks may hold",
    [RULE_K5] = "K5: the list of caches links both ways, each with an arena",
    [RULE_D1] = "D1: a magazine of the depot has its class, and slots in use",
    [RULE_D2] = "D2: the bytes of a depot are those of its magazines",
    [RULE_D3] = "D3: a magazine holds idle chunks of its class and arena",
    [RULE_M1] = "M1: a mapped record and its chunk describe one mapping",
    [RULE_M2] = "M2: prev_size of a mapped chunk is the number of its record",
    [RULE_M3] = "M3: mapped records link both ways",
    [RULE_M4] = "M4: count and bytes of mapped chunks are those of the records",
    [RULE_T1] = "T1: metadata is the sum of its regions",
};

const char *audit_rule(unsigned i)
{
    return i < RULE_COUNT ? audit_rules[i] : NULL;
}

bool audit_find(struct audit *u, enum audit_id rule, uint64_t chunk, uint64_t other,
                uint64_t found, uint64_t expected)
{
    struct audit_finding f = {
        audit_rules[rule], u->arena.address, u->heap.address, chunk, other, found,
        expected};
    u->findings++;
    u->report(u, &f);
    return u->findings < u->most;
}

void audit_interior(const struct audit *u, const struct walk_chunk *c, uint64_t *from,
                    uint64_t *to)
{
    *from = align_up(c->address + sizeof(struct chunk), u->walk->page);
    *to = align_down(c->address + c->size, u->walk->page);
    if (*to < *from)
        *to = *from;
}

static bool audit_clean(struct audit *u, const struct walk_chunk *c)
{
    uint64_t from, to;
    uint64_t clean_from =
        walk_word(u->walk, c->address + offsetof(struct chunk, clean_from));
    uint64_t clean_to =
        walk_word(u->walk, c->address + offsetof(struct chunk, clean_to));
    audit_interior(u, c, &from, &to);
    u->dirty += to - from;
    if (clean_from == clean_to)
        return true;
    if (clean_from < from || clean_to > to || clean_to < clean_from ||
        clean_from % u->walk->page != 0 || clean_to % u->walk->page != 0)
        return audit_find(u, RULE_C8, c->address, 0, clean_from, clean_to);
    u->dirty -= clean_to - clean_from;
    return true;
}

/* One chunk and the one before it. */
static bool audit_chunk(struct audit *u, const struct walk_chunk *prev,
                        const struct walk_chunk *c)
{
    bool more = true, after_binned = prev->size != 0 && walk_is_binned(prev->state);
    bool prev_inuse = (c->flags & PREV_INUSE) != 0;
    if (after_binned && walk_is_binned(c->state))
        more = audit_find(u, RULE_C3, c->address, prev->address, 0, 0);
    if (more && after_binned && c->state == WALK_TOP)
        more = audit_find(u, RULE_C7, prev->address, c->address, 0, 0);
    if (more && prev_inuse == after_binned)
        more = audit_find(u, RULE_C4, c->address, prev->address, prev_inuse,
                          !after_binned);
    if (more && after_binned && c->prev_size != prev->size)
        more =
            audit_find(u, RULE_C5, prev->address, c->address, c->prev_size, prev->size);
    if (more && (c->flags & NON_MAIN_ARENA) != u->heap.flags)
        more = audit_find(u, RULE_C6, c->address, 0, c->flags, u->heap.flags);
    if (more && walk_is_binned(c->state) && c->size >= TAIL_MIN)
        more = audit_clean(u, c);
    if (more && u->binned != NULL && walk_is_binned(c->state))
        u->binned(u, c);
    return more;
}

/* Where the walk through a heap begins, and the chunk before. */
static uint64_t audit_first(struct audit *u, struct walk_chunk *prev)
{
    bool behind = u->begin.heap == u->heap.address && u->begin.heap != 0;
    memset(prev, 0, sizeof *prev);
    if (!behind ||
        !walk_chunk_at(u->walk, &u->heap, u->arena.top, u->begin.chunk, prev))
        return u->heap.first;
    return prev->address + prev->size;
}

static bool audit_chunks(struct audit *u)
{
    struct walk_chunk prev, c;
    uint64_t at = audit_first(u, &prev), fence = u->heap.end - CHUNK_HEADER;
    uint64_t end = u->end.heap == u->heap.address ? u->end.chunk : 0;
    while (at <= fence) {
        if (!walk_chunk_at(u->walk, &u->heap, u->arena.top, at, &c))
            return audit_find(u, RULE_C1, at, prev.address, 0, 0);
        u->chunks += at != fence; /* which ends a heap, and is no chunk to count */
        if (c.state == WALK_BROKEN) {
            struct walk_chunk alone;
            bool is_header = walk_chunk_anywhere(u->walk, at, &alone) &&
                             alone.state != WALK_BROKEN && alone.state != WALK_MAPPED;
            enum audit_id rule = at == fence ? RULE_H5 : is_header ? RULE_C2 : RULE_C1;
            return audit_find(u, rule, at, prev.address, is_header ? alone.size : 0,
                              is_header ? fence - at : 0);
        }
        u->state[c.state].count++;
        u->state[c.state].size += c.size;
        if (!audit_chunk(u, &prev, &c))
            return false;
        if (at == end) {
            u->has_met = true;
            break;
        }
        prev = c;
        at += c.size;
    }
    return true;
}

static bool audit_heap_words(struct audit *u)
{
    const struct walk_heap *h = &u->heap;
    bool more = true;
    if (h->magic != HEAP_MAGIC || h->arena != u->arena.address)
        more = audit_find(u, RULE_H1, 0, h->address, h->arena, u->arena.address);
    if (more && h->kind == HEAP_SPANNED &&
        (h->start != h->address || h->start % u->walk->root.heap_span != 0 ||
         h->limit - h->start != u->walk->root.heap_span))
        more = audit_find(u, RULE_H3, 0, h->address, h->start, u->walk->root.heap_span);
    return more;
}

/* No heap behind this one in the list shares a byte with it. */
static bool audit_heap_alone(struct audit *u)
{
    struct walk_heap other;
    uint64_t at = u->heap.next;
    for (unsigned i = 0; at != 0 && i < WALK_LISTS_MAX; i++, at = other.next) {
        if (!walk_read_heap(u->walk, at, &other))
            return true; /* its own turn will tell */
        if (other.start < u->heap.limit && u->heap.start < other.limit)
            return audit_find(u, RULE_H4, 0, u->heap.address, other.address, 0);
    }
    return true;
}

static bool audit_heaps(struct audit *u)
{
    uint64_t at = u->begin.heap != 0 ? u->begin.heap : u->arena.heaps;
    for (unsigned i = 0; at != 0 && !u->has_met; i++, at = u->heap.next) {
        bool whole = at != u->begin.heap;
        if (i == WALK_LISTS_MAX || !walk_read_heap(u->walk, at, &u->heap))
            return audit_find(u, RULE_H1, 0, at, 0, 0);
        if (!walk_heap_is_sane(u->walk, &u->heap))
            return audit_find(u, RULE_H2, 0, at, u->heap.start, u->heap.end);
        u->heap_bytes += whole ? u->heap.end - u->heap.start : 0;
        if ((whole && (!audit_heap_words(u) || !audit_heap_alone(u))) ||
            !audit_chunks(u))
            return false;
    }
    u->heap = (struct walk_heap){0};
    return true;
}

static bool audit_top(struct audit *u)
{
    struct walk_heap h;
    struct walk_chunk c;
    if (u->arena.top == 0)
        return true;
    if (!walk_read_heap(u->walk, u->arena.top_heap, &h) ||
        !walk_heap_is_sane(u->walk, &h) ||
        !walk_chunk_anywhere(u->walk, u->arena.top, &c) || c.state != WALK_OUT ||
        c.address < h.first || c.address + c.size != h.end - CHUNK_HEADER ||
        u->state[WALK_TOP].count != 1)
        return audit_find(u, RULE_A5, u->arena.top, u->arena.top_heap, 0, 0);
    return true;
}

static bool audit_sums(struct audit *u)
{
    const struct walk_arena *a = &u->arena;
    uint64_t binned = u->state[WALK_UNSORTED].size + u->state[WALK_SMALL].size +
                      u->state[WALK_LARGE].size;
    bool more = true;
    /* A thread that just took the lock may not have counted yet. */
    if (a->generation % 2 != 0 && a->lock == 0)
        more = audit_find(u, RULE_A1, 0, 0, a->generation, a->lock);
    if (more && a->heap_bytes != u->heap_bytes)
        more = audit_find(u, RULE_A2, 0, 0, a->heap_bytes, u->heap_bytes);
    if (more && a->free_bytes != binned)
        more = audit_find(u, RULE_A3, 0, 0, a->free_bytes, binned);
    if (more && a->fast_bytes != u->state[WALK_FAST].size)
        more = audit_find(u, RULE_A4, 0, 0, a->fast_bytes, u->state[WALK_FAST].size);
    if (more && a->dirty_bytes != u->dirty)
        more = audit_find(u, RULE_A6, 0, 0, a->dirty_bytes, u->dirty);
    return more;
}

/* Sums and lists over a heap whose walk broke off would only repeat that. */
bool audit_arena_chunks(struct audit *u, uint64_t address)
{
    memset(u->state, 0, sizeof u->state);
    u->dirty = u->heap_bytes = 0;
    u->has_met = false;
    u->heap = (struct walk_heap){0};
    if (!walk_read_arena(u->walk, address, &u->arena)) {
        audit_find(u, RULE_H1, 0, address, 0, 0);
        return false;
    }
    uint64_t before = u->findings;
    return audit_heaps(u) && u->findings == before;
}

void audit_arena_join(struct audit *u, const struct audit *second)
{
    for (unsigned i = 0; i < WALK_STATES; i++) {
        u->state[i].count += second->state[i].count;
        u->state[i].size += second->state[i].size;
    }
    u->dirty += second->dirty;
    u->heap_bytes += second->heap_bytes;
    u->chunks += second->chunks;
}

bool audit_arena_sums(struct audit *u)
{
    return audit_top(u) && audit_sums(u);
}

bool audit_arena_lists(struct audit *u, const struct audit_sum bins[2])
{
    return audit_bins_sums(u, bins) && audit_fast(u) && audit_dirty_lists(u) &&
           audit_depot(u);
}

bool audit_arena(struct audit *u, uint64_t address)
{
    struct audit_sum bins[2] = {{0, 0}, {0, 0}};
    if (audit_arena_chunks(u, address) && audit_arena_sums(u) && !u->chunks_only)
        return audit_bins(u, 0, 1, bins) && audit_arena_lists(u, bins);
    return u->findings < u->most;
}

bool audit_all(struct audit *u)
{
    uint64_t at = (uintptr_t)u->walk->root.arena_main;
    for (unsigned i = 0; at != 0 && i < WALK_LISTS_MAX; i++, at = u->arena.next)
        if (!audit_arena(u, at))
            return false;
    u->arena = (struct walk_arena){0};
    return audit_caches(u) && audit_mapped(u) && audit_meta(u);
}
