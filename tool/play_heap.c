/* From the walk to regions that can be drawn; see play_heap.h. No state. */
#include "play_heap.h"

#include "play_list.h"

#include <inttypes.h>
#include <sys/uio.h>

enum { WINDOW = 1 << 20 };

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

struct heap_region *heap_add_region(struct play_heap *h, unsigned arena, uint64_t start,
                                    uint64_t end)
{
    h->region = list_room(h->region, &h->region_room, h->regions, 1, sizeof *h->region);
    struct heap_region *r = &h->region[h->regions++];
    memset(r, 0, sizeof *r);
    r->arena = arena;
    r->start = start;
    r->end = end;
    return r;
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

static void heap_walk_arenas(struct play_heap *h, struct walk *w, bool outline)
{
    struct walk_arena a;
    uint64_t main_arena = (uintptr_t)w->root.arena_main;
    for (uint64_t at = main_arena; at != 0 && walk_read_arena(w, at, &a); at = a.next) {
        struct walk_heap heap;
        for (uint64_t k = a.heaps; k != 0 && walk_read_heap(w, k, &heap);
             k = heap.next) {
            if (!walk_heap_is_sane(w, &heap))
                break;
            heap_walk_region(h, w, &a, &heap, outline);
        }
    }
}

/* The cache of the first thread: what each class may hold, and what all of it may. */
static void heap_walk_budget(struct play_heap *h, struct walk *w, uint32_t first_thread)
{
    struct heap_limits *l = &h->limits;
    struct walk_cache k;
    for (uint64_t at = walk_first_cache(w); at != 0 && walk_read_cache(w, at, &k);
         at = k.next) {
        if (k.thread != first_thread)
            continue;
        l->capacity = k.capacity;
        l->budget = k.budget;
        for (uint32_t i = 0; i < l->classes; i++) {
            struct walk_stack stack;
            l->allowed[i] = walk_read_stack(w, at, i, &stack) ? stack.allowed : 0;
        }
    }
}

static void heap_walk_limits(struct play_heap *h, struct walk *w,
                             const struct play_session *s)
{
    struct walk_arena a;
    struct heap_limits *l = &h->limits;
    memset(l, 0, sizeof *l);
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
    heap_walk_budget(h, w, (uint32_t)s->kernel[0]);
}

static void store_free(struct heap_store *s)
{
    for (size_t i = 0; i < s->blocks; i++) {
        free(s->block[i].chunk);
        free(s->block[i].glyph);
    }
    free(s->block);
    image_free(&s->image);
    free(s);
}

/* Stores of regions that are not there any more. */
static void heap_drop_stores(struct play_heap *h)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->stores; i++) {
        if (h->store[i]->seen)
            h->store[kept++] = h->store[i];
        else
            store_free(h->store[i]);
    }
    h->stores = kept;
}

static void heap_make_reader(struct play_heap *h)
{
    if (h->reader == NULL && (h->reader = calloc(1, sizeof *h->reader)) == NULL)
        list_fail();
}

void play_heap_walk(struct play_heap *h, struct walk *w, const struct play_session *s,
                    bool outline)
{
    struct reader *behind = w->reader;
    h->regions = h->lists = h->members = 0;
    h->error = NULL;
    heap_make_reader(h);
    image_reader_open(h->reader, behind);
    w->reader = &h->reader->reader;
    for (size_t i = 0; i < h->stores; i++)
        h->store[i]->seen = false;
    heap_walk_arenas(h, w, outline);
    if (h->regions != 0)
        qsort(h->region, h->regions, sizeof *h->region, heap_compare);
    heap_walk_mapped(h, w);
    heap_name_regions(h);
    if (!outline)
        heap_drop_stores(h);
    if (!outline && !h->no_lists) {
        heap_walk_lists(h, w, s);
        heap_walk_meta(h, w);
        heap_walk_limits(h, w, s);
    }
    w->reader = behind;
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

/* The description of the heap is the same at each step, once there is one. */
static enum walk_result heap_open(struct play_heap *h, const struct play_session *s,
                                  struct reader *behind)
{
    if (h->walk != NULL)
        return WALK_OK;
    struct walk *w = malloc(sizeof *w);
    if (w == NULL)
        list_fail();
    image_reader_open(h->reader, behind);
    enum walk_result result = walk_open(w, &h->reader->reader, s->root);
    if (result == WALK_OK)
        h->walk = w;
    else
        free(w);
    return result;
}

bool play_heap_read(struct play_heap *h, const struct play_session *s, bool outline)
{
    struct window window = {.reader = {.read = window_read}, .pid = s->pid};
    h->regions = h->lists = h->members = 0;
    heap_make_reader(h);
    enum walk_result result =
        s->pid > 0 ? heap_open(h, s, &window.reader) : WALK_UNREADABLE;
    if (result == WALK_OK) {
        h->walk->reader = &window.reader;
        play_heap_walk(h, h->walk, s, outline);
    } else if (result != WALK_EMPTY) {
        h->error = "the heap cannot be read: this tool and libchunky.so do not belong "
                   "together";
        h->error_at = s->root;
    }
    return result == WALK_OK || result == WALK_EMPTY;
}

void play_heap_free(struct play_heap *h)
{
    for (size_t i = 0; i < h->stores; i++)
        store_free(h->store[i]);
    free(h->store);
    free(h->region);
    free(h->list);
    free(h->member);
    free(h->reader);
    free(h->walk);
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

bool heap_get(struct play_heap *h, uint64_t address, void *out, size_t size)
{
    struct image_reader *r = h->reader;
    if (!reader_has(&r->reader, address, size)) {
        const struct heap_region *region = heap_region_of(h, address);
        image_reader_use(
            r, region == NULL || region->store == NULL ? NULL : &region->store->image);
    }
    return reader_get(&r->reader, address, out, size);
}

const struct heap_chunk *play_heap_of_mem(const struct play_heap *h, uint64_t mem)
{
    struct heap_place p;
    uint64_t at = mem - CHUNK_HEADER;
    const struct heap_region *r = heap_region_of(h, at);
    const struct heap_chunk *c = r == NULL ? NULL : heap_from(r, at, &p);
    return c != NULL && c->at == at ? c : NULL;
}

void play_heap_touch(struct play_heap *h, uint64_t mem)
{
    const struct heap_region *r = heap_region_of(h, mem);
    struct heap_place p;
    if (r != NULL && heap_from(r, mem, &p) != NULL)
        r->store->block[p.block].drawn = false;
}

void play_heap_touch_all(struct play_heap *h)
{
    for (size_t i = 0; i < h->stores; i++)
        for (size_t k = 0; k < h->store[i]->blocks; k++)
            h->store[i]->block[k].drawn = false;
}

void play_heap_words(const struct heap_region *r, const struct heap_chunk *c,
                     uint64_t word[4])
{
    const struct image *image = &r->store->image;
    uint64_t offset = c->at - image->start;
    memset(word, 0, 4 * sizeof *word);
    if (image->bytes != NULL && offset < image->length) {
        uint64_t size = image->length - offset;
        memcpy(word, image->bytes + offset, size < 32 ? (size_t)size : 32);
    }
}

uint64_t play_heap_clean(const struct heap_region *r, const struct heap_chunk *c,
                         uint64_t size)
{
    const struct image *image = &r->store->image;
    uint64_t offset = c->at - image->start;
    struct chunk copy;
    if (c->size < TAIL_MIN || image->bytes == NULL || offset >= image->length ||
        image->length - offset < sizeof copy)
        return 0;
    memcpy(&copy, image->bytes + offset, sizeof copy);
    uint64_t end = c->at + size, from = copy.clean_from, to = copy.clean_to;
    return (to < end ? to : end) - (from < end ? from : end);
}

uint64_t heap_usable(const struct heap_chunk *c)
{
    return c->size - (c->state == WALK_MAPPED ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD);
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
