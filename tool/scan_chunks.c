/*
 * The chunks of a heap in order of address, told apart; what is torn is read again, and
 * behind what is broken the walk goes on. See scan.h. State: in the cursor.
 */
#include "scan.h"

#include <time.h>

enum {
    PLACE_BITS = 15,
    TORN_TRIES = 24,
    RESUME_MAX = 4 << 20, /* bytes that are searched for sound headers */
    RESUME_CHUNKS = 3,
    WRONG_ROUNDS = 8,
    PAUSES_MAX = 64
};

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
        if (!got)
            continue;
        c->at = chunk->address;
        if (chunk->state != WALK_BROKEN)
            return true;
    }
    c->at = got ? c->at : wanted;
    return got;
}

/* The next place behind `at` where headers make sense, three in a row up to the fence; the
 * heap's end if there is no such place near. */
static uint64_t scan_sound(struct scan *s, const struct scan_heap *heap, uint64_t from)
{
    struct walk_chunk chunk;
    const struct walk_heap *h = &heap->h;
    uint64_t fence = h->end - CHUNK_HEADER, limit = from + RESUME_MAX;
    for (uint64_t at = from + CHUNK_ALIGN; at < fence && at < limit;
         at += CHUNK_ALIGN) {
        uint64_t next = at;
        unsigned good = 0;
        while (good < RESUME_CHUNKS && next < fence &&
               walk_chunk_at(s->walk, h, heap->top, next, &chunk) &&
               chunk.state != WALK_BROKEN) {
            good++;
            next += chunk.size;
        }
        if (good == RESUME_CHUNKS || (good != 0 && next == fence))
            return at;
    }
    return h->end;
}

uint64_t scan_boundary(struct scan *s, struct scan_heap *h, uint64_t address)
{
    uint64_t at = scan_sound(s, h, align_down(address, CHUNK_ALIGN));
    return at < h->h.end ? at : 0;
}

void cursor_open(struct cursor *c, struct scan *s, struct scan_heap *h)
{
    *c = (struct cursor){
        .scan = s, .heap = h, .at = h->h.first, .next = h->h.first, .stop = UINT64_MAX};
    c->place = scan_place_from(s, c->at);
}

bool cursor_next(struct cursor *c, struct block *b)
{
    struct scan *s = c->scan;
    struct scan_heap *h = c->heap;
    struct walk_chunk chunk;
    if (c->done || c->at > h->h.end - CHUNK_HEADER || c->at >= c->stop)
        return false;
    bool got = cursor_read(c, &chunk);
    if (c->at > h->h.end - CHUNK_HEADER)
        return false; /* it shrank meanwhile */
    if (!got)
        chunk = (struct walk_chunk){.address = c->at, .state = WALK_BROKEN};
    if (chunk.state == WALK_BROKEN && source_is_gone(s->source)) {
        c->done = true; /* what cannot be read any more is not damaged */
        return false;
    }
    *b = (struct block){.address = chunk.address,
                        .size = chunk.size,
                        .prev_size = chunk.prev_size,
                        .flags = chunk.flags,
                        .kind = scan_kind(s, h, &chunk, &c->place),
                        .heap = h};
    if (chunk.state == WALK_BROKEN) {
        s->arenas[h->arena].is_damaged = s->is_damaged = true;
        uint64_t resume = scan_sound(s, h, c->at);
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

bool scan_part(struct scan *s, struct scan_heap *h, uint64_t from, uint64_t to,
               scan_visit *visit, void *context)
{
    struct cursor c;
    struct block b;
    cursor_open(&c, s, h);
    c.at = c.next = from;
    c.stop = to;
    c.place = scan_place_from(s, from);
    while (cursor_next(&c, &b))
        if (!visit(context, &b))
            return false;
    h->done = c.done || c.at >= to ? c.at : h->h.end;
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

/* Is the header that of the block that the record tells of? Idle while free is at it. */
static bool mapped_judge(struct scan *s, const struct walk_mapped *m,
                         struct walk_chunk *c)
{
    return walk_chunk_anywhere(s->walk, m->chunk, c) && c->state != WALK_BROKEN &&
           c->state != WALK_LIVE && c->address + c->size == m->start + m->length;
}

/* A record that is used again says something else. */
static bool mapped_is_unchanged(struct scan *s, const struct walk_mapped *m)
{
    struct walk_mapped now;
    return walk_read_mapped(s->walk, m->address, &now) && now.start == m->start &&
           now.length == m->length && now.chunk == m->chunk && now.slot == m->slot &&
           source_maps(s->source, m->start, m->start + m->length);
}

/* Is it in the list still? Where its record lies, another one may have been. */
static bool mapped_is_listed(struct scan *s, uint64_t record)
{
    struct walk_mapped_all all;
    struct walk_mapped m = {.next = 0};
    if (!walk_read_mapped_all(s->walk, &all))
        return false;
    uint64_t at = all.live;
    for (unsigned i = 0; at != 0 && at != record && i < LIST_MAX; i++)
        at = walk_read_mapped(s->walk, at, &m) ? m.next : 0;
    return at == record;
}

/* A header that is wrong, or that cannot be read yet: realloc moves a mapping before its
 * record says so. So it counts only if nothing changes for a while. */
static bool mapped_stays_wrong(struct scan *s, const struct walk_mapped *m,
                               struct walk_chunk *c)
{
    struct timespec pause = {0, 5000000};
    for (unsigned round = 0; round < WRONG_ROUNDS; round++) {
        window_forget(s->walk->reader);
        if (mapped_judge(s, m, c) || !mapped_is_unchanged(s, m) ||
            !mapped_is_listed(s, m->address) || s->pauses == PAUSES_MAX)
            return false;
        s->pauses++;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* A block in a mapping of its own. False: unmapped or moved meanwhile. */
static bool mapped_block(struct scan *s, const struct walk_mapped *m, struct block *b)
{
    struct walk_chunk c = {.address = m->start, .size = m->length};
    bool good = mapped_judge(s, m, &c);
    if (!good && s->source->reader.is_live && !mapped_stays_wrong(s, m, &c)) {
        if (!mapped_is_unchanged(s, m) || !mapped_judge(s, m, &c))
            return false;
        good = true;
    }
    if (!good && source_is_gone(s->source))
        return false;
    b->kind = !good ? KIND_BROKEN : c.state == WALK_MAPPED ? KIND_MAPPED : KIND_KEPT;
    s->is_damaged = s->is_damaged || !good;
    b->address = m->chunk;
    b->size = m->start + m->length - b->address;
    b->flags = c.flags;
    b->prev_size = c.prev_size;
    b->recorded = good && ((c.flags & HAS_REQUEST) != 0 || s->records);
    b->request = good && s->wants_request ? walk_request(s->walk, &c)
                                          : b->size - CHUNK_MAPPED_OVERHEAD;
    return true;
}

bool scan_mappings(struct scan *s, scan_visit *visit, void *context)
{
    for (size_t i = 0; i < s->mapped_count; i++) {
        const struct scan_mapped *m = &s->mapped[i];
        struct block b = {
            .mapped = m, .kind = KIND_KEPT, .address = m->m.start, .size = m->m.length};
        if (!m->is_kept && !mapped_block(s, &m->m, &b))
            continue;
        if (!visit(context, &b))
            return false;
    }
    return true;
}

void scan_settle(struct scan *s)
{
    for (size_t i = 0; i < s->arena_count; i++) {
        struct walk_arena now;
        struct scan_arena *a = &s->arenas[i];
        if (!walk_read_arena(s->walk, a->a.address, &now))
            continue;
        bool moved = now.generation != a->generation || now.generation % 2 != 0;
        a->is_torn = s->source->reader.is_live && moved;
        a->is_busy = now.lock != 0 || now.generation % 2 != 0;
        /* What looks broken while somebody changes it need not be. */
        if (a->is_torn)
            a->is_damaged = false;
    }
    s->is_busy =
        walk_element(s->walk, (uintptr_t)s->walk->root.mapped, MAPPED_LOCK, 0) ||
        walk_element(s->walk, (uintptr_t)s->walk->root.meta, META_LOCK, 0);
}

struct scan_heap *scan_heap_of(const struct scan *s, uint64_t address)
{
    for (size_t i = 0; i < s->heap_count; i++)
        if (address >= s->heaps[i].h.start && address < s->heaps[i].h.limit)
            return &s->heaps[i];
    return NULL;
}

uint64_t scan_resident_runs(struct scan *s, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    if (s->source->run == NULL)
        return to - from;
    while (from < to) {
        if (from < s->here_from || from >= s->here_to) {
            s->here_from = align_down(from, s->walk->page);
            s->here_to = s->source->run(s->source, s->here_from, &s->is_here);
        }
        uint64_t end = s->here_to > from && s->here_to < to ? s->here_to : to;
        sum += s->is_here ? end - from : 0;
        from = end;
    }
    return sum;
}
