/* The heap in order of address; see scan.h. State: in the scan. */
#include "scan.h"

#include <stdlib.h>

enum {
    PLACE_BITS = 15,
    TORN_TRIES = 24,
    RESUME_MAX = 4 << 20, /* bytes that are searched for sound headers */
    RESUME_CHUNKS = 3,
    LIST_MAX = 1 << 22 /* more in a list can only be a loop */
};

static const char *const kind_names[KINDS] = {
    [KIND_LIVE] = "live",     [KIND_CACHED] = "cached",     [KIND_DEPOT] = "depot",
    [KIND_REMOTE] = "remote", [KIND_MOVING] = "moving",     [KIND_FAST] = "fast",
    [KIND_SMALL] = "small",   [KIND_UNSORTED] = "unsorted", [KIND_LARGE] = "large",
    [KIND_TOP] = "top",       [KIND_FENCE] = "fence",       [KIND_MAPPED] = "mapped",
    [KIND_KEPT] = "kept",     [KIND_BROKEN] = "broken",
};

const char *kind_name(enum kind k)
{
    return kind_names[k];
}

/* Room for one more element behind the first `count`. */
static void *scan_more(void *array, size_t count, size_t each)
{
    if ((count & (count - 1)) != 0)
        return array; /* grows when the count is a power of two */
    return must(realloc(array, (count == 0 ? 1 : 2 * count) * each));
}

static int scan_by_key(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

static int scan_by_heap(const void *x, const void *y)
{
    const struct scan_heap *a = x, *b = y;
    return a->h.start < b->h.start ? -1 : a->h.start > b->h.start;
}

static int scan_by_start(const void *x, const void *y)
{
    const struct scan_mapped *a = x, *b = y;
    return a->m.start < b->m.start ? -1 : a->m.start > b->m.start;
}

static int scan_by_index(const void *x, const void *y)
{
    const struct scan_arena *a = x, *b = y;
    return a->a.index < b->a.index ? -1 : a->a.index > b->a.index;
}

/* --- arenas and heaps ------------------------------------------------------- */

static void scan_read_arenas(struct scan *s)
{
    uint64_t at = (uintptr_t)s->walk->root.arena_main;
    while (at != 0) {
        struct scan_arena a = {.is_torn = false};
        if (s->arena_count == LIST_MAX || !walk_read_arena(s->walk, at, &a.a)) {
            s->is_damaged = true;
            break;
        }
        a.generation = a.a.generation;
        s->arenas = scan_more(s->arenas, s->arena_count, sizeof *s->arenas);
        s->arenas[s->arena_count++] = a;
        at = a.a.next;
    }
    qsort(s->arenas, s->arena_count, sizeof *s->arenas, scan_by_index);
}

static void scan_read_heaps(struct scan *s, unsigned arena)
{
    const struct walk_arena *a = &s->arenas[arena].a;
    uint64_t at = a->heaps;
    for (unsigned i = 0; at != 0; i++) {
        struct scan_heap h = {.arena = arena};
        if (i == LIST_MAX || !walk_read_heap(s->walk, at, &h.h) ||
            !walk_heap_is_sane(s->walk, &h.h)) {
            s->is_damaged = s->arenas[arena].is_damaged = true;
            return;
        }
        h.top = at == a->top_heap ? a->top : 0;
        h.is_main = h.h.flags == 0;
        h.done = h.h.first;
        s->heaps = scan_more(s->heaps, s->heap_count, sizeof *s->heaps);
        s->heaps[s->heap_count++] = h;
        at = h.h.next;
    }
}

/* Heaps that overlap are damage, and would be counted twice. */
static void scan_sort_heaps(struct scan *s)
{
    size_t kept = 0;
    if (s->heap_count != 0)
        qsort(s->heaps, s->heap_count, sizeof *s->heaps, scan_by_heap);
    for (size_t i = 0; i < s->heap_count; i++) {
        if (kept != 0 && s->heaps[i].h.start < s->heaps[kept - 1].h.end) {
            s->is_damaged = s->arenas[s->heaps[i].arena].is_damaged = true;
            continue;
        }
        s->heaps[kept++] = s->heaps[i];
    }
    s->heap_count = kept;
}

/* --- mappings, metadata ----------------------------------------------------- */

static void scan_read_mapped(struct scan *s, uint64_t first, bool is_kept)
{
    uint64_t at = first;
    for (unsigned i = 0; at != 0; i++) {
        struct scan_mapped m = {.is_kept = is_kept};
        if (i == LIST_MAX || !walk_read_mapped(s->walk, at, &m.m) || m.m.length == 0 ||
            m.m.start + m.m.length < m.m.start || m.m.start % 4096 != 0 ||
            (!is_kept && m.m.chunk - m.m.start >= m.m.length)) {
            s->is_damaged = s->is_damaged || !s->source->reader.is_live;
            return;
        }
        s->mapped = scan_more(s->mapped, s->mapped_count, sizeof *s->mapped);
        s->mapped[s->mapped_count++] = m;
        at = m.m.next;
    }
}

static void scan_add_region(struct region **list, size_t *count, uint64_t start,
                            uint64_t size)
{
    *list = scan_more(*list, *count, sizeof **list);
    (*list)[(*count)++] = (struct region){start, start + size};
}

static void scan_read_meta(struct scan *s)
{
    uint64_t at, large = s->mapped_all.slot_count * 8;
    if (!walk_read_meta(s->walk, &s->meta_all))
        return;
    at = s->meta_all.regions;
    for (unsigned i = 0; at != 0 && i < LIST_MAX; i++) {
        uint64_t size = walk_element(s->walk, at, REGION_BYTES, 0);
        if (size == 0 || size % 4096 != 0 || at % 4096 != 0 ||
            size > (uint64_t)1 << 40) {
            s->is_damaged = true;
            break;
        }
        scan_add_region(&s->meta, &s->meta_count, at, size);
        at = walk_element(s->walk, at, REGION_NEXT, 0);
    }
    if (large > s->walk->root.meta_large && s->mapped_all.slots % 4096 == 0)
        scan_add_region(&s->meta, &s->meta_count, s->mapped_all.slots,
                        align_up(large, s->walk->page));
    if (s->meta_count != 0)
        qsort(s->meta, s->meta_count, sizeof *s->meta, scan_by_key);
}

static void scan_read_spare(struct scan *s)
{
    uint64_t at = walk_element(s->walk, (uintptr_t)s->walk->root.spare, SPARE_FIRST, 0);
    for (unsigned i = 0; at != 0 && i < LIST_MAX; i++) {
        struct walk_heap h;
        if (!walk_read_heap(s->walk, at, &h))
            break;
        scan_add_region(&s->spare, &s->spare_count, at, s->walk->root.heap_span);
        at = h.next;
    }
    if (s->spare_count != 0)
        qsort(s->spare, s->spare_count, sizeof *s->spare, scan_by_key);
}

/* --- where idle chunks are -------------------------------------------------- */

static void scan_add_place(struct scan *s, uint64_t mem, enum kind kind)
{
    if (mem % CHUNK_ALIGN != 0 || mem == 0)
        return;
    s->places = scan_more(s->places, s->place_count, sizeof *s->places);
    s->places[s->place_count++].key = (mem - CHUNK_HEADER) | (uint64_t)kind;
}

static void scan_add_slots(struct scan *s, uint64_t at, uint64_t count, enum kind kind)
{
    uint64_t slot[128];
    while (count != 0) {
        size_t n = count < 128 ? (size_t)count : 128;
        if (!reader_get(s->walk->reader, at, slot, 8 * n))
            return;
        for (size_t i = 0; i < n; i++)
            scan_add_place(s, slot[i], kind);
        at += 8 * n;
        count -= n;
    }
}

static void scan_add_magazines(struct scan *s, uint64_t first, enum kind kind)
{
    struct walk_magazine m;
    uint64_t at = first;
    for (unsigned i = 0; at != 0 && i < LIST_MAX; i++, at = m.next) {
        if (!walk_read_magazine(s->walk, at, &m))
            return;
        scan_add_slots(s, m.slots, m.count, kind);
    }
}

static void scan_read_cache(struct scan *s, uint64_t cache)
{
    for (unsigned class = 1; class < s->walk->root.class_count; class ++) {
        struct walk_stack k;
        if (!walk_read_stack(s->walk, cache, class, &k) || k.base == 0)
            continue;
        if (k.top >= k.base && k.top - k.base <= 8 * (uint64_t)k.room)
            scan_add_slots(s, k.base, (k.top - k.base) / 8, KIND_CACHED);
    }
}

static void scan_read_places(struct scan *s)
{
    struct walk_cache k;
    uint64_t at = walk_first_cache(s->walk);
    for (; at != 0 && s->cache_count < LIST_MAX; at = k.next) {
        if (!walk_read_cache(s->walk, at, &k))
            break;
        s->cache_count++;
        scan_read_cache(s, at);
    }
    for (size_t i = 0; i < s->arena_count; i++) {
        const struct walk_arena *a = &s->arenas[i].a;
        for (unsigned class = 0; class < s->walk->root.class_count; class ++)
            scan_add_magazines(
                s, walk_element(s->walk, a->address, ARENA_DEPOT_FULL, class),
                KIND_DEPOT);
        scan_add_magazines(s, a->remote_list, KIND_REMOTE);
    }
    if (s->place_count != 0)
        qsort(s->places, s->place_count, sizeof *s->places, scan_by_key);
}

/* --- the scan --------------------------------------------------------------- */

bool scan_open(struct scan *s, struct source *source)
{
    *s = (struct scan){.source = source, .walk = &source->walk};
    scan_read_arenas(s);
    for (unsigned i = 0; i < s->arena_count; i++)
        scan_read_heaps(s, i);
    s->records = s->arena_count != 0 &&
                 walk_tune(s->walk, s->arenas[0].a.tune, TUNE_REQUEST) != 0;
    scan_sort_heaps(s);
    if (walk_read_mapped_all(s->walk, &s->mapped_all)) {
        scan_read_mapped(s, s->mapped_all.live, false);
        scan_read_mapped(s, s->mapped_all.kept, true);
        if (s->mapped_count != 0)
            qsort(s->mapped, s->mapped_count, sizeof *s->mapped, scan_by_start);
    }
    scan_read_meta(s);
    scan_read_spare(s);
    scan_read_places(s);
    if (s->arena_count == 0)
        complain(STATUS_DAMAGED, "%s: its main arena cannot be read", source->title);
    return s->arena_count != 0;
}

void scan_close(struct scan *s)
{
    free(s->arenas);
    free(s->heaps);
    free(s->mapped);
    free(s->meta);
    free(s->spare);
    free(s->places);
    *s = (struct scan){0};
}

/* First place at or behind an address. */
static size_t scan_place_from(const struct scan *s, uint64_t address)
{
    size_t low = 0, high = s->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->places[middle].key < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* In a list, or else by the header. The top of an arena that runs moves: it is known by
 * the fence behind it. */
static enum kind scan_kind(const struct scan *s, const struct scan_heap *h,
                           const struct walk_chunk *c, size_t *place)
{
    static const enum kind kind[WALK_STATES] = {
        [WALK_LIVE] = KIND_LIVE,     [WALK_OUT] = KIND_MOVING,
        [WALK_FAST] = KIND_FAST,     [WALK_UNSORTED] = KIND_UNSORTED,
        [WALK_SMALL] = KIND_SMALL,   [WALK_LARGE] = KIND_LARGE,
        [WALK_TOP] = KIND_TOP,       [WALK_FENCE] = KIND_FENCE,
        [WALK_BROKEN] = KIND_BROKEN, [WALK_MAPPED] = KIND_MAPPED,
        [WALK_KEPT] = KIND_KEPT,
    };
    if (c->state != WALK_OUT)
        return kind[c->state];
    while (*place < s->place_count && s->places[*place].key < c->address)
        ++*place;
    if (*place < s->place_count && s->places[*place].key - c->address <= PLACE_BITS)
        return (enum kind)(s->places[*place].key - c->address);
    bool last = h->top != 0 && c->address + c->size == h->h.end - CHUNK_HEADER;
    return last && s->source->reader.is_live ? KIND_TOP : KIND_MOVING;
}

/* Keeps boundaries that were good, ever further back. */
static void cursor_anchor(struct cursor *c)
{
    c->steps++;
    for (unsigned i = 0; i < ANCHORS && c->steps % ((uint64_t)1 << (2 * i)) == 0; i++)
        c->anchor[i] = c->at;
}

/* Reads the chunk at c->at. What is torn is read again, from further and further back:
 * meanwhile boundaries may have been merged away; then c->at moves to the chunk that
 * now holds the place. False if there is nothing to be read. */
static bool cursor_read(struct cursor *c, struct walk_chunk *chunk)
{
    struct scan *s = c->scan;
    struct scan_heap *h = c->heap;
    uint64_t wanted = c->at;
    bool got = walk_chunk_at(s->walk, &h->h, h->top, wanted, chunk);
    if (LIKELY(got && chunk->state != WALK_BROKEN) || !s->source->reader.is_live)
        return got;
    for (unsigned i = 0; i < TORN_TRIES; i++) {
        struct walk_heap now;
        s->source->retries++;
        window_forget(s->walk->reader);
        if (walk_read_heap(s->walk, h->h.address, &now) && now.first == h->h.first &&
            walk_heap_is_sane(s->walk, &now))
            h->h = now; /* it grew or shrank */
        uint64_t from =
            i / 2 < ANCHORS && c->anchor[i / 2] != 0 ? c->anchor[i / 2] : wanted;
        do {
            got = walk_chunk_at(s->walk, &h->h, h->top, from, chunk);
            from += chunk->size;
        } while (got && chunk->size != 0 && from <= wanted);
        c->at = chunk->address;
        if (got && chunk->state != WALK_BROKEN)
            return true;
    }
    return got;
}

/* Behind what is broken: where headers make sense again, three in a row up to the fence;
 * the heap's end if there is no such place near. */
static uint64_t cursor_resume(struct cursor *c, uint64_t broken)
{
    struct walk_chunk chunk;
    const struct walk_heap *h = &c->heap->h;
    uint64_t fence = h->end - CHUNK_HEADER, limit = broken + RESUME_MAX;
    for (uint64_t at = broken + CHUNK_ALIGN; at < fence && at < limit;
         at += CHUNK_ALIGN) {
        uint64_t next = at;
        unsigned good = 0;
        while (good < RESUME_CHUNKS && next < fence &&
               walk_chunk_at(c->scan->walk, h, c->heap->top, next, &chunk) &&
               chunk.state != WALK_BROKEN) {
            good++;
            next += chunk.size;
        }
        if (good == RESUME_CHUNKS || (good != 0 && next == fence))
            return at;
    }
    return h->end;
}

void cursor_open(struct cursor *c, struct scan *s, struct scan_heap *h)
{
    *c = (struct cursor){.scan = s, .heap = h, .at = h->h.first, .next = h->h.first};
    c->place = scan_place_from(s, c->at);
}

bool cursor_next(struct cursor *c, struct block *b)
{
    struct scan *s = c->scan;
    struct scan_heap *h = c->heap;
    struct walk_chunk chunk;
    if (c->done || c->at > h->h.end - CHUNK_HEADER)
        return false;
    if (!cursor_read(c, &chunk))
        chunk = (struct walk_chunk){.address = c->at, .state = WALK_BROKEN};
    *b = (struct block){.address = chunk.address,
                        .size = chunk.size,
                        .prev_size = chunk.prev_size,
                        .flags = chunk.flags,
                        .kind = scan_kind(s, h, &chunk, &c->place),
                        .heap = h};
    if (chunk.state == WALK_BROKEN) {
        s->arenas[h->arena].is_damaged = s->is_damaged = true;
        uint64_t resume = cursor_resume(c, c->at);
        b->size = resume - c->at;
        c->at = c->next = resume;
        c->done = resume == h->h.end;
        return true;
    }
    if (c->at < c->next) {
        /* Merged with what was told already: only its rest is new. */
        b->size = c->at + chunk.size - c->next;
        b->address = c->next;
    }
    b->recorded = b->kind == KIND_LIVE && ((b->flags & HAS_REQUEST) != 0 || s->records);
    b->request = s->wants_request && b->kind == KIND_LIVE && b->address == c->at
                     ? walk_request(s->walk, &chunk)
                     : b->size - CHUNK_OVERHEAD;
    cursor_anchor(c);
    c->at += chunk.size;
    c->next = c->at;
    return true;
}

bool scan_heap(struct scan *s, struct scan_heap *h, scan_visit *visit, void *context)
{
    struct cursor c;
    struct block b;
    cursor_open(&c, s, h);
    while (cursor_next(&c, &b))
        if (!visit(context, &b))
            return false;
    h->done = c.done ? c.at : h->h.end;
    return true;
}

bool scan_heaps(struct scan *s, scan_visit *visit, void *context)
{
    for (size_t i = 0; i < s->heap_count; i++)
        if (!scan_heap(s, &s->heaps[i], visit, context))
            return false;
    return true;
}

bool scan_mappings(struct scan *s, scan_visit *visit, void *context)
{
    for (size_t i = 0; i < s->mapped_count; i++) {
        const struct scan_mapped *m = &s->mapped[i];
        struct walk_chunk c = {.address = m->m.start, .size = m->m.length};
        struct block b = {
            .mapped = m, .kind = KIND_KEPT, .address = m->m.start, .size = m->m.length};
        if (!m->is_kept) {
            bool good = walk_chunk_anywhere(s->walk, m->m.chunk, &c) &&
                        c.state == WALK_MAPPED &&
                        c.address + c.size == m->m.start + m->m.length;
            if (!good && s->source->reader.is_live)
                continue; /* unmapped or moved meanwhile */
            b.kind = good ? KIND_MAPPED : KIND_BROKEN;
            s->is_damaged = s->is_damaged || !good;
            b.address = m->m.chunk;
            b.size = m->m.start + m->m.length - b.address;
            b.flags = c.flags;
            b.prev_size = c.prev_size;
            b.recorded = good && ((c.flags & HAS_REQUEST) != 0 || s->records);
            b.request = good && s->wants_request ? walk_request(s->walk, &c)
                                                 : b.size - CHUNK_MAPPED_OVERHEAD;
        }
        if (!visit(context, &b))
            return false;
    }
    return true;
}

void scan_settle(struct scan *s)
{
    for (size_t i = 0; i < s->arena_count; i++) {
        struct walk_arena now;
        if (!walk_read_arena(s->walk, s->arenas[i].a.address, &now))
            continue;
        s->arenas[i].is_torn =
            s->source->reader.is_live &&
            (now.generation != s->arenas[i].generation || now.generation % 2 != 0);
        /* What looks broken while somebody changes it need not be. */
        if (s->arenas[i].is_torn)
            s->arenas[i].is_damaged = false;
    }
}

struct scan_heap *scan_heap_of(const struct scan *s, uint64_t address)
{
    for (size_t i = 0; i < s->heap_count; i++)
        if (address >= s->heaps[i].h.start && address < s->heaps[i].h.limit)
            return &s->heaps[i];
    return NULL;
}

uint64_t scan_resident(struct scan *s, uint64_t from, uint64_t to)
{
    struct source *source = s->source;
    uint64_t page = s->walk->page, sum = 0;
    if (source->resident == NULL)
        return to - from;
    if (from / page == (to - 1) / page)
        return source->resident(source, align_down(from, page), align_up(to, page)) != 0
                   ? to - from
                   : 0;
    if (from % page != 0) {
        uint64_t edge = align_up(from, page);
        sum += source->resident(source, edge - page, edge) != 0 ? edge - from : 0;
        from = edge;
    }
    if (to % page != 0) {
        uint64_t edge = align_down(to, page);
        sum += source->resident(source, edge, edge + page) != 0 ? to - edge : 0;
        to = edge;
    }
    return sum + source->resident(source, from, to) * page;
}
