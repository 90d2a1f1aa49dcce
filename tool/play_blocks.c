/* Chunks, block by block, from the images of their regions; see play_heap.h. No state. */
#include "play_heap.h"

#include "play_list.h"

static struct heap_store *store_of(struct play_heap *h, uint64_t start)
{
    for (size_t i = 0; i < h->stores; i++)
        if (h->store[i]->start == start)
            return h->store[i];
    h->store = list_room(h->store, &h->store_room, h->stores, 1, sizeof *h->store);
    struct heap_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        list_fail();
    s->start = start;
    return h->store[h->stores++] = s;
}

static void store_make_blocks(struct heap_store *s, size_t count)
{
    s->block = list_room(s->block, &s->block_room, 0, count, sizeof *s->block);
    while (s->blocks < count)
        memset(&s->block[s->blocks++], 0, sizeof *s->block);
    while (s->blocks > count) {
        struct heap_block *b = &s->block[--s->blocks];
        free(b->chunk);
        free(b->glyph);
    }
}

static void sums_add_chunk(struct heap_sums *s, const struct heap_chunk *c)
{
    if (c->state == WALK_LIVE || c->state == WALK_MAPPED) {
        s->live++;
        s->asked += c->bytes;
        s->usable += heap_usable(c);
        s->size += c->size;
    } else if (c->state == WALK_TOP) {
        s->top += c->size;
    } else if (c->state != WALK_FENCE && c->state != WALK_BROKEN) {
        s->parts++;
        s->free += c->size;
        s->largest = c->size > s->largest ? c->size : s->largest;
        s->fast += c->state == WALK_FAST ? c->size : 0;
        s->cached += c->state == WALK_OUT ? c->size : 0;
    }
}

static void sums_add(struct heap_sums *s, const struct heap_sums *t)
{
    s->live += t->live;
    s->asked += t->asked;
    s->usable += t->usable;
    s->size += t->size;
    s->parts += t->parts;
    s->free += t->free;
    s->largest = t->largest > s->largest ? t->largest : s->largest;
    s->fast += t->fast;
    s->cached += t->cached;
    s->top += t->top;
}

static void block_begin(struct heap_block *b, uint64_t entry)
{
    b->count = 0;
    b->known = b->drawn = false;
    b->entry = entry;
    memset(&b->sums, 0, sizeof b->sums);
}

static void block_add(struct heap_block *b, struct walk *w, const struct walk_chunk *c,
                      uint64_t size)
{
    b->chunk = list_room(b->chunk, &b->room, b->count, 1, sizeof *b->chunk);
    struct heap_chunk *n = &b->chunk[b->count++];
    bool live = c->state == WALK_LIVE || c->state == WALK_MAPPED;
    *n = (struct heap_chunk){.at = c->address,
                             .size = size,
                             .bytes = live ? walk_request(w, c) : 0,
                             .state = c->state,
                             .flags = c->flags};
    sums_add_chunk(&b->sums, n);
}

/* Where a region is walked. */
struct region_walk {
    struct play_heap *h;
    struct walk *w;
    const struct walk_heap *heap;
    struct heap_region *r;
    uint64_t at; /* next chunk */
    bool over;   /* what follows is not known */
};

static void region_stop(struct region_walk *t, const char *why)
{
    t->h->error = why;
    t->h->error_at = t->at;
    t->over = true;
}

/* All chunks that begin before `end`. */
static void region_block(struct region_walk *t, struct heap_block *b, uint64_t end)
{
    block_begin(b, t->at);
    while (t->at < end && !t->over) {
        struct walk_chunk c;
        if (!walk_chunk_at(t->w, t->heap, t->r->top, t->at, &c)) {
            region_stop(t, "this memory is not readable");
            break;
        }
        bool broken = c.state == WALK_BROKEN;
        block_add(b, t->w, &c, broken ? t->heap->end - t->at : c.size);
        if (c.state == WALK_TOP)
            t->r->top_size = c.size;
        if (broken) {
            t->r->used = t->at + CHUNK_HEADER - t->r->start;
            region_stop(t, "this header was overwritten; what follows is not known");
            break;
        }
        t->at += c.size;
    }
    b->exit = t->at;
    b->known = !t->over;
}

/* A block whose bytes are the same. Only its last chunk ends elsewhere: there its slack
 * may have changed. */
static void region_keep(struct region_walk *t, struct heap_block *b)
{
    t->at = b->exit;
    if (b->count == 0)
        return;
    struct heap_chunk *last = &b->chunk[b->count - 1];
    struct walk_chunk c = {.address = last->at,
                           .size = last->size,
                           .flags = last->flags,
                           .state = last->state};
    if (last->state == WALK_LIVE) {
        uint64_t bytes = walk_request(t->w, &c);
        b->sums.asked += bytes - last->bytes;
        last->bytes = bytes;
    }
}

/* What lies behind the image: the fence, as a rule. */
static void region_tail(struct region_walk *t, struct heap_block *b)
{
    uint64_t header[CHUNK_HEADER / 8];
    struct reader *reader = &t->h->reader->reader;
    if (!t->over && t->at < t->heap->end &&
        reader->read(reader, t->at, header, sizeof header) == sizeof header) {
        reader->start = t->at;
        reader->length = sizeof header;
        reader->window = (uintptr_t)header;
    }
    region_block(t, b, t->heap->end);
    b->known = false;
}

void heap_walk_region(struct play_heap *h, struct walk *w, const struct walk_arena *a,
                      const struct walk_heap *heap, bool outline)
{
    struct heap_region *r = heap_add_region(h, a->index, heap->first, heap->end);
    bool tops = a->top_heap == heap->address && a->top >= heap->first &&
                a->top + CHUNK_HEADER <= heap->end;
    r->top = tops ? a->top : 0;
    r->used = (tops ? a->top + CHUNK_HEADER : heap->end) - heap->first;
    if (outline)
        return;
    struct heap_store *s = r->store = store_of(h, heap->first);
    struct region_walk t = {h, w, heap, r, heap->first, false};
    size_t blocks = (size_t)((r->used + IMAGE_BLOCK - 1) / IMAGE_BLOCK);
    bool moved = s->top != r->top;
    size_t old = (size_t)((s->top - s->start) / IMAGE_BLOCK);
    s->seen = true;
    s->top = r->top;
    image_update(&s->image, h->reader->behind, heap->first, r->used,
                 h->is_known ? &h->span : NULL);
    store_make_blocks(s, blocks + 1);
    image_reader_use(h->reader, &s->image);
    for (size_t i = 0; i < blocks; i++) {
        struct heap_block *b = &s->block[i];
        uint64_t end =
            (i + 1) * IMAGE_BLOCK < r->used ? (i + 1) * IMAGE_BLOCK : r->used;
        bool same = b->known && b->entry == t.at && s->image.fresh[i] == 0;
        if (!t.over && same && i + 1 < blocks && !(moved && i == old))
            region_keep(&t, b);
        else
            region_block(&t, b, s->start + end);
    }
    region_tail(&t, &s->block[blocks]);
    image_reader_use(h->reader, NULL);
}

void heap_walk_mapped(struct play_heap *h, struct walk *w)
{
    struct walk_mapped_all all;
    struct walk_mapped m;
    if (!walk_read_mapped_all(w, &all))
        return;
    size_t before = h->regions;
    for (uint64_t at = all.live; at != 0 && walk_read_mapped(w, at, &m); at = m.next) {
        struct walk_chunk c;
        struct heap_region *r = heap_add_region(h, 0, m.chunk, m.start + m.length);
        struct heap_store *s = r->store = store_of(h, m.chunk);
        r->mapped = s->seen = true;
        r->used = r->end - r->start;
        snprintf(r->name, sizeof r->name, "mapped%llu", (unsigned long long)m.slot + 1);
        image_update(&s->image, h->reader->behind, m.chunk, CHUNK_HEADER, NULL);
        store_make_blocks(s, 1);
        block_begin(s->block, m.chunk);
        if (walk_chunk_anywhere(w, m.chunk, &c))
            block_add(s->block, w, &c,
                      c.state == WALK_BROKEN ? r->end - r->start : c.size);
    }
    /* Newest first as they were found: in order of creation they read better. */
    for (size_t i = before, j = h->regions; i + 1 < j; i++) {
        struct heap_region swapped = h->region[i];
        h->region[i] = h->region[--j];
        h->region[j] = swapped;
    }
}

const struct heap_chunk *heap_next(struct heap_place *p)
{
    if (p->store == NULL)
        return NULL;
    p->index++;
    while (p->block < p->store->blocks && p->index >= p->store->block[p->block].count) {
        p->block++;
        p->index = 0;
    }
    return p->block < p->store->blocks ? &p->store->block[p->block].chunk[p->index]
                                       : NULL;
}

const struct heap_chunk *heap_from(const struct heap_region *r, uint64_t address,
                                   struct heap_place *p)
{
    const struct heap_store *s = r->store;
    *p = (struct heap_place){s, 0, SIZE_MAX};
    if (s == NULL || s->blocks == 0)
        return NULL;
    size_t i = address < s->start ? 0 : (size_t)((address - s->start) / IMAGE_BLOCK);
    i = i < s->blocks ? i : s->blocks - 1;
    while (i > 0 && (s->block[i].count == 0 || s->block[i].chunk[0].at > address))
        i--;
    const struct heap_block *b = &s->block[i];
    size_t low = 0, high = b->count;
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        *(b->chunk[middle].at <= address ? &low : &high) = middle;
    }
    *p = (struct heap_place){s, i, low - 1};
    const struct heap_chunk *c = heap_next(p);
    return c != NULL && c->at + c->size <= address ? heap_next(p) : c;
}

struct heap_sums heap_sums_of(const struct heap_region *r, uint64_t from, uint64_t to)
{
    struct heap_sums sums = {0};
    struct heap_place p;
    const struct heap_chunk *c = heap_from(r, from, &p);
    while (c != NULL && c->at < to) {
        const struct heap_block *b = &p.store->block[p.block];
        if (p.index == 0 && c->at >= from && b->chunk[b->count - 1].at < to) {
            sums_add(&sums, &b->sums);
            p.index = b->count - 1;
        } else if (c->at >= from) {
            sums_add_chunk(&sums, c);
        }
        c = heap_next(&p);
    }
    return sums;
}

struct heap_sums play_heap_add_up(const struct play_heap *h)
{
    struct heap_sums sums = {0};
    for (size_t i = 0; i < h->regions; i++) {
        struct heap_sums one =
            heap_sums_of(&h->region[i], h->region[i].start, UINT64_MAX);
        sums_add(&sums, &one);
    }
    return sums;
}
