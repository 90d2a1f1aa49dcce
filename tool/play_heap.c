/* From the walk to lists that can be drawn; see play_heap.h. No state. */
#include "play_heap.h"

#include "play_list.h"

#include <inttypes.h>
#include <sys/uio.h>

enum {
    WINDOW = 1 << 20,
    MEMBERS_MAX = 1 << 22, /* of one list: more can only be a loop */
    SMALL_BINS = 64,
    BIN_STEPS_LOG2 = 5
};

struct window {
    struct reader reader;
    pid_t pid;
    unsigned char *bytes;
};

static size_t window_read(struct reader *r, uint64_t address, void *buffer, size_t size)
{
    struct window *w = (struct window *)(void *)r;
    struct iovec here = {buffer, size}, there = {(void *)(uintptr_t)address, size};
    ssize_t got = process_vm_readv(w->pid, &here, 1, &there, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

static bool window_fill(struct reader *r, uint64_t address, size_t size)
{
    struct window *w = (struct window *)(void *)r;
    if (size > WINDOW)
        return false;
    r->start = address;
    r->length = window_read(r, address, w->bytes, WINDOW);
    r->window = (uintptr_t)w->bytes;
    return r->length >= size;
}

static void heap_add_chunk(struct play_heap *h, struct walk *w,
                           const struct walk_chunk *c, uint64_t room)
{
    h->chunk = list_room(h->chunk, &h->chunk_room, h->chunks, 1, sizeof *h->chunk);
    struct heap_chunk *n = &h->chunk[h->chunks++];
    memset(n, 0, sizeof *n);
    n->at = c->address;
    n->state = c->state;
    n->size = c->state == WALK_BROKEN ? room : c->size;
    if (c->state == WALK_LIVE || c->state == WALK_MAPPED) {
        n->bytes = walk_request(w, c);
        n->usable = walk_usable(c);
    }
    size_t words = c->state == WALK_FENCE ? 2 : 4;
    reader_get(w->reader, c->address, n->word, words * sizeof n->word[0]);
}

static struct heap_region *heap_add_region(struct play_heap *h, unsigned arena,
                                           uint64_t start, uint64_t end)
{
    h->region = list_room(h->region, &h->region_room, h->regions, 1, sizeof *h->region);
    struct heap_region *r = &h->region[h->regions++];
    memset(r, 0, sizeof *r);
    r->arena = arena;
    r->start = start;
    r->end = end;
    r->first = h->chunks;
    return r;
}

static void heap_walk_region(struct play_heap *h, struct walk *w,
                             const struct walk_arena *a, const struct walk_heap *heap)
{
    struct heap_region *r = heap_add_region(h, a->index, heap->first, heap->end);
    uint64_t top = a->top_heap == heap->address ? a->top : 0, at = heap->first;
    while (at < heap->end) {
        struct walk_chunk c;
        if (!walk_chunk_at(w, heap, top, at, &c)) {
            h->error = "this memory is not readable";
            h->error_at = at;
            break;
        }
        heap_add_chunk(h, w, &c, heap->end - at);
        r->count++;
        if (c.state == WALK_BROKEN) {
            h->error = "this header was overwritten; what follows is not known";
            h->error_at = at;
            break;
        }
        at += c.size;
    }
}

static struct heap_list *heap_add_list(struct play_heap *h)
{
    h->list = list_room(h->list, &h->list_room, h->lists, 1, sizeof *h->list);
    struct heap_list *l = &h->list[h->lists++];
    memset(l, 0, sizeof *l);
    l->first = h->members;
    return l;
}

static void heap_add_member(struct play_heap *h, struct heap_list *l, uint64_t at)
{
    h->member = list_room(h->member, &h->member_room, h->members, 1, sizeof *h->member);
    h->member[h->members++] = at;
    l->count++;
}

static void heap_break(struct heap_list *l, const char *what, uint64_t at,
                       uint64_t found, uint64_t expected)
{
    l->broken = true;
    l->link = what;
    l->at = at;
    l->found = found;
    l->expected = expected;
}

/* A ring by fd, with bk compared, or a chain that ends with NULL. */
static void heap_follow(struct play_heap *h, struct walk *w, struct heap_list *l,
                        uint64_t head, bool ring)
{
    uint64_t at = head, before = 0;
    l->two_way = ring;
    while (at != 0 && l->count < MEMBERS_MAX) {
        uint64_t links[2];
        if (!reader_get(w->reader, at + CHUNK_HEADER, links, sizeof links)) {
            heap_break(l, "fd", before, at, 0);
            return;
        }
        if (ring && before != 0 && links[1] != before)
            heap_break(l, "bk", at, links[1], before);
        heap_add_member(h, l, at);
        before = at;
        at = links[0];
        if (ring && at == head)
            return;
    }
}

static void heap_name_large(struct heap_list *l, const char *arena, unsigned i)
{
    unsigned doubling = i >> BIN_STEPS_LOG2;
    uint64_t step = i & ((1U << BIN_STEPS_LOG2) - 1), one = (uint64_t)32 << doubling;
    uint64_t low = ((uint64_t)LARGE_MIN << doubling) + step * one;
    snprintf(l->name, sizeof l->name, "%slarge[%#" PRIx64 "..%#" PRIx64 ")", arena, low,
             low + one);
}

static void heap_walk_bins(struct play_heap *h, struct walk *w,
                           const struct walk_arena *a)
{
    char arena[24] = "";
    if (a->index != 0)
        snprintf(arena, sizeof arena, "arena%" PRIu32 " ", a->index);
    for (unsigned i = 0; i < w->root.fast_count; i++) {
        uint64_t head = walk_element(w, a->address, ARENA_FAST, i);
        if (head == 0)
            continue;
        struct heap_list *l = heap_add_list(h);
        snprintf(l->name, sizeof l->name, "%sfast[%#x]", arena, i * CHUNK_ALIGN);
        heap_follow(h, w, l, head, false);
    }
    if (a->unsorted != 0) {
        struct heap_list *l = heap_add_list(h);
        snprintf(l->name, sizeof l->name, "%sunsorted", arena);
        heap_follow(h, w, l, a->unsorted, true);
    }
    for (unsigned i = 0; i < w->root.bin_count; i++) {
        uint64_t head = walk_element(w, a->address, ARENA_BINS, i);
        if (head == 0)
            continue;
        struct heap_list *l = heap_add_list(h);
        if (i < SMALL_BINS)
            snprintf(l->name, sizeof l->name, "%ssmall[%#x]", arena, i * CHUNK_ALIGN);
        else
            heap_name_large(l, arena, i - SMALL_BINS);
        heap_follow(h, w, l, head, true);
    }
}

static void heap_add_magazine(struct play_heap *h, struct walk *w, struct heap_list *l,
                              const struct walk_magazine *m)
{
    for (uint32_t i = m->count; i-- > 0;)
        heap_add_member(h, l, walk_word(w, m->slots + i * 8ULL) - CHUNK_HEADER);
}

static void heap_walk_depot(struct play_heap *h, struct walk *w,
                            const struct walk_arena *a)
{
    for (unsigned i = 0; i < w->root.class_count; i++) {
        uint64_t at = walk_element(w, a->address, ARENA_DEPOT_FULL, i);
        struct walk_magazine m;
        while (at != 0 && walk_read_magazine(w, at, &m)) {
            struct heap_list *l = heap_add_list(h);
            snprintf(l->name, sizeof l->name, "depot%.0" PRIu32 "[%#" PRIx32 "]",
                     a->index, w->class_size[i]);
            heap_add_magazine(h, w, l, &m);
            at = m.next;
        }
    }
    struct walk_magazine m;
    for (uint64_t at = a->remote_list; at != 0 && walk_read_magazine(w, at, &m);
         at = m.next) {
        struct heap_list *l = heap_add_list(h);
        snprintf(l->name, sizeof l->name, "remote%.0" PRIu32, a->index);
        heap_add_magazine(h, w, l, &m);
    }
}

static void heap_walk_caches(struct play_heap *h, struct walk *w,
                             const struct play_session *s)
{
    struct walk_cache k;
    for (uint64_t at = walk_first_cache(w); at != 0 && walk_read_cache(w, at, &k);
         at = k.next) {
        for (unsigned i = 0; i < w->root.class_count; i++) {
            struct walk_stack stack;
            if (!walk_read_stack(w, at, i, &stack) || stack.base == 0 ||
                stack.top <= stack.base)
                continue;
            struct heap_list *l = heap_add_list(h);
            snprintf(l->name, sizeof l->name, "cache %s[%#" PRIx32 "]",
                     play_session_thread_name(s, k.thread), w->class_size[i]);
            for (uint64_t slot = stack.top; slot > stack.base; slot -= 8)
                heap_add_member(h, l, walk_word(w, slot - 8) - CHUNK_HEADER);
        }
    }
}

static void heap_walk_mapped(struct play_heap *h, struct walk *w)
{
    struct walk_mapped_all all;
    struct walk_mapped m;
    if (!walk_read_mapped_all(w, &all))
        return;
    size_t before = h->regions;
    for (uint64_t at = all.live; at != 0 && walk_read_mapped(w, at, &m); at = m.next) {
        struct walk_chunk c;
        struct heap_region *r = heap_add_region(h, 0, m.chunk, m.start + m.length);
        r->mapped = true;
        snprintf(r->name, sizeof r->name, "mapped%" PRIu64, m.slot + 1);
        if (walk_chunk_anywhere(w, m.chunk, &c)) {
            heap_add_chunk(h, w, &c, r->end - r->start);
            r->count = 1;
        }
    }
    /* Newest first as they were found: in order of creation they read better. */
    for (size_t i = before, j = h->regions; i + 1 < j; i++) {
        struct heap_region swapped = h->region[i];
        h->region[i] = h->region[--j];
        h->region[j] = swapped;
    }
}

/* Where the engine keeps its own records, so that their mappings can be named. */
static void heap_walk_meta(struct play_heap *h, struct walk *w)
{
    struct walk_meta meta;
    h->metas = 0;
    if (!walk_read_meta(w, &meta))
        return;
    for (uint64_t at = meta.regions; at != 0 && h->metas < HEAP_METAS;
         at = walk_word(w, at))
        h->meta[h->metas++] = at;
}

static int heap_compare(const void *left, const void *right)
{
    const struct heap_region *a = left, *b = right;
    if (a->arena != b->arena)
        return a->arena < b->arena ? -1 : 1;
    return a->start < b->start ? -1 : 1;
}

static void heap_name_regions(struct play_heap *h)
{
    unsigned turn = 0, last = 0;
    for (size_t i = 0; i < h->regions; i++) {
        struct heap_region *r = &h->region[i];
        char base[16] = "heap";
        if (r->mapped)
            continue;
        turn = r->arena == last ? turn + 1 : 1;
        last = r->arena;
        if (r->arena != 0)
            snprintf(base, sizeof base, "arena%u", r->arena);
        if (turn == 1)
            snprintf(r->name, sizeof r->name, "%s", base);
        else
            snprintf(r->name, sizeof r->name, "%s.%u", base, turn);
    }
}

static void heap_walk_arenas(struct play_heap *h, struct walk *w)
{
    struct walk_arena a;
    uint64_t main_arena = (uintptr_t)w->root.arena_main;
    for (uint64_t at = main_arena; at != 0 && walk_read_arena(w, at, &a); at = a.next) {
        struct walk_heap heap;
        for (uint64_t k = a.heaps; k != 0 && walk_read_heap(w, k, &heap);
             k = heap.next) {
            if (!walk_heap_is_sane(w, &heap))
                break;
            heap_walk_region(h, w, &a, &heap);
        }
        heap_walk_bins(h, w, &a);
        heap_walk_depot(h, w, &a);
    }
}

static void heap_walk_limits(struct play_heap *h, struct walk *w)
{
    struct walk_arena a;
    struct heap_limits *l = &h->limits;
    l->classes =
        w->root.class_count < WALK_CLASSES ? w->root.class_count : WALK_CLASSES;
    for (uint32_t i = 0; i < l->classes; i++)
        l->class_size[i] = w->class_size[i];
    if (!walk_read_arena(w, (uintptr_t)w->root.arena_main, &a))
        return;
    l->cache_bytes = walk_tune(w, a.tune, TUNE_CACHE_BYTES);
    l->mmap_threshold = walk_tune(w, a.tune, TUNE_MMAP_THRESHOLD);
    l->fast_max = walk_tune(w, a.tune, TUNE_FAST_MAX);
    l->top_pad = walk_tune(w, a.tune, TUNE_TOP_PAD);
}

void play_heap_walk(struct play_heap *h, struct walk *w, const struct play_session *s)
{
    h->chunks = h->regions = h->lists = h->members = 0;
    h->error = NULL;
    heap_walk_arenas(h, w);
    if (h->regions != 0)
        qsort(h->region, h->regions, sizeof *h->region, heap_compare);
    heap_walk_mapped(h, w);
    heap_name_regions(h);
    heap_walk_caches(h, w, s);
    heap_walk_meta(h, w);
    heap_walk_limits(h, w);
}

enum walk_result play_heap_open(const struct play_session *s,
                                void (*use)(struct walk *w, void *context),
                                void *context)
{
    struct window window = {.reader = {.read = window_read, .fill = window_fill},
                            .pid = s->pid};
    struct walk *w = malloc(sizeof *w);
    enum walk_result result = WALK_UNREADABLE;
    window.bytes = malloc(WINDOW);
    if (w != NULL && window.bytes != NULL && s->pid > 0) {
        result = walk_open(w, &window.reader, s->root);
        if (result == WALK_OK || result == WALK_EMPTY)
            use(w, context);
    }
    free(window.bytes);
    free(w);
    return result;
}

struct heap_reading {
    struct play_heap *heap;
    const struct play_session *session;
};

static void heap_use(struct walk *w, void *context)
{
    const struct heap_reading *r = context;
    play_heap_walk(r->heap, w, r->session);
}

bool play_heap_read(struct play_heap *h, const struct play_session *s)
{
    struct heap_reading r = {h, s};
    h->chunks = h->regions = h->lists = h->members = 0;
    enum walk_result result = play_heap_open(s, heap_use, &r);
    bool known = result == WALK_OK || result == WALK_EMPTY;
    if (!known) {
        h->error = "the heap cannot be read: this tool and libchunky.so do not belong "
                   "together";
        h->error_at = s->root;
    }
    return known;
}

void play_heap_free(struct play_heap *h)
{
    free(h->chunk);
    free(h->region);
    free(h->list);
    free(h->member);
    memset(h, 0, sizeof *h);
}

static const struct heap_region *heap_region_of(const struct play_heap *h,
                                                uint64_t address)
{
    for (size_t i = 0; i < h->regions; i++)
        if (address >= h->region[i].start && address < h->region[i].end)
            return &h->region[i];
    return NULL;
}

const struct heap_chunk *play_heap_of_mem(const struct play_heap *h, uint64_t mem)
{
    uint64_t at = mem - CHUNK_HEADER;
    const struct heap_region *r = heap_region_of(h, at);
    size_t low = r == NULL ? 0 : r->first, high = r == NULL ? 0 : r->first + r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->chunk[middle].at == at)
            return &h->chunk[middle];
        if (h->chunk[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *play_heap_name(const struct play_heap *h, uint64_t address, char *text,
                           size_t room)
{
    const struct heap_region *r = heap_region_of(h, address);
    if (r == NULL)
        snprintf(text, room, "%#" PRIx64, address);
    else if (r == h->region && !r->mapped)
        snprintf(text, room, "+%02" PRIx64, address - r->start);
    else
        snprintf(text, room, "%s+%02" PRIx64, r->name, address - r->start);
    return text;
}

struct heap_sums play_heap_add_up(const struct play_heap *h)
{
    struct heap_sums s = {0};
    for (size_t i = 0; i < h->chunks; i++) {
        const struct heap_chunk *c = &h->chunk[i];
        if (c->state == WALK_LIVE || c->state == WALK_MAPPED) {
            s.live++;
            s.asked += c->bytes;
            s.usable += c->usable;
            s.size += c->size;
        } else if (c->state == WALK_TOP) {
            s.top += c->size;
        } else if (c->state != WALK_FENCE && c->state != WALK_BROKEN) {
            s.parts++;
            s.free += c->size;
            s.largest = c->size > s.largest ? c->size : s.largest;
            s.fast += c->state == WALK_FAST ? c->size : 0;
            s.cached += c->state == WALK_OUT ? c->size : 0;
        }
    }
    return s;
}
