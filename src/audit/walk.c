/* Reading a heap; see walk.h. No state. */
#include "audit/walk.h"

enum {
    OBJECT_MAX = 4096,  /* most bytes of one of our structs that are read at once */
    SLACK_IS_WIDE = 255 /* see front/canary.h */
};

static uint64_t walk_address(const void *p)
{
    return (uintptr_t)p;
}

static const struct layout_field *walk_field(const struct walk *w, enum layout_id id)
{
    return &w->field[id];
}

/* A copy of an object as far as its fields `first` to `last` reach, or NULL. */
static const unsigned char *walk_object(struct walk *w, uint64_t object,
                                        enum layout_id first, enum layout_id last,
                                        unsigned char *copy)
{
    size_t size = 0;
    for (unsigned id = first; id <= (unsigned)last; id++) {
        const struct layout_field *f = &w->field[id];
        size_t end = f->offset + (size_t)f->size * f->count;
        size = end > size ? end : size;
    }
    if (object == 0 || size == 0 || size > OBJECT_MAX)
        return NULL;
    return reader_get(w->reader, object, copy, size) ? copy : NULL;
}

static uint64_t walk_value(const struct walk *w, const unsigned char *copy,
                           enum layout_id id)
{
    return layout_value(walk_field(w, id), copy);
}

static bool walk_geometry_is_known(const struct root *r)
{
    bool counts = r->class_count <= WALK_CLASSES && r->bin_count <= WALK_BINS &&
                  r->fast_count <= WALK_FASTS && r->magazine_slots <= WALK_SLOTS;
    return r->major >= LAYOUT_FIRST && r->major <= LAYOUT_MAJOR && counts &&
           (r->class_width == 2 || r->class_width == 4) && r->field_count != 0 &&
           is_power_of_two(r->heap_span) && r->heap_span <= (uint64_t)1 << 40;
}

static bool walk_read_classes(struct walk *w)
{
    for (uint32_t i = 0; i < w->root.class_count; i++) {
        struct layout_field f = {0, (uint16_t)w->root.class_width, 1};
        unsigned char raw[4];
        uint64_t at = walk_address(w->root.class_sizes) + (uint64_t)i * f.size;
        if (!reader_get(w->reader, at, raw, f.size))
            return false;
        w->class_size[i] = (uint32_t)layout_value(&f, raw);
    }
    return true;
}

enum walk_result walk_open(struct walk *w, struct reader *r, uint64_t root)
{
    memset(w, 0, sizeof *w);
    w->reader = r;
    if (!reader_get(r, root, &w->root, sizeof w->root))
        return WALK_UNREADABLE;
    if (memcmp(w->root.magic, LAYOUT_MAGIC, LAYOUT_MAGIC_SIZE) != 0 ||
        walk_address(w->root.self) != root)
        return WALK_NO_ROOT;
    if (w->root.size < sizeof w->root || !walk_geometry_is_known(&w->root))
        return WALK_OTHER;
    size_t count = min_size(w->root.field_count, LAYOUT_ROOM);
    if (!reader_get(r, walk_address(w->root.fields), w->field,
                    count * sizeof w->field[0]) ||
        !reader_get(r, walk_address(w->root.keys), &w->keys, sizeof w->keys) ||
        !walk_read_classes(w))
        return WALK_UNREADABLE;
    w->page = w->root.page;
    if (w->page == 0)
        return WALK_EMPTY;
    return is_power_of_two(w->page) && w->page >= 4096 ? WALK_OK : WALK_OTHER;
}

uint64_t walk_word(struct walk *w, uint64_t address)
{
    uint64_t value = 0;
    return reader_get(w->reader, address, &value, sizeof value) ? value : 0;
}

uint64_t walk_first_cache(struct walk *w)
{
    return walk_word(w, walk_address(w->root.cache_list));
}

uint64_t walk_element(struct walk *w, uint64_t object, enum layout_id array, unsigned i)
{
    const struct layout_field *f = walk_field(w, array);
    struct layout_field one = {0, f->size, 1};
    unsigned char raw[8];
    if (i >= f->count || f->size > sizeof raw ||
        !reader_get(w->reader, object + f->offset + (uint64_t)i * f->size, raw,
                    f->size))
        return 0;
    return layout_value(&one, raw);
}

uint64_t walk_tune(struct walk *w, uint64_t address, enum layout_id id)
{
    return walk_element(w, address, id, 0);
}

/* The words before the arrays of an arena, and one by one those behind them. */
bool walk_read_arena(struct walk *w, uint64_t address, struct walk_arena *a)
{
    unsigned char copy[OBJECT_MAX];
    const unsigned char *p =
        walk_object(w, address, ARENA_LOCK, ARENA_FAST_BYTES, copy);
    if (p == NULL)
        return false;
    *a = (struct walk_arena){
        .address = address,
        .lock = (uint32_t)walk_value(w, p, ARENA_LOCK),
        .index = (uint32_t)walk_value(w, p, ARENA_INDEX),
        .flags = (uint32_t)walk_value(w, p, ARENA_FLAGS),
        .generation = (uint32_t)walk_value(w, p, ARENA_GENERATION),
        .threads = (uint32_t)walk_value(w, p, ARENA_THREADS),
        .next = walk_value(w, p, ARENA_NEXT),
        .tune = walk_value(w, p, ARENA_TUNE),
        .heaps = walk_value(w, p, ARENA_HEAPS),
        .top_heap = walk_value(w, p, ARENA_TOP_HEAP),
        .top = walk_value(w, p, ARENA_TOP),
        .top_clean = walk_value(w, p, ARENA_TOP_CLEAN),
        .heap_bytes = walk_value(w, p, ARENA_HEAP_BYTES),
        .free_bytes = walk_value(w, p, ARENA_FREE_BYTES),
        .fast_bytes = walk_value(w, p, ARENA_FAST_BYTES),
    };
    a->unsorted = walk_element(w, address, ARENA_UNSORTED, 0);
    for (unsigned i = 0; i < WALK_DIRTY; i++) {
        a->dirty_oldest[i] = walk_element(w, address, ARENA_DIRTY_OLDEST, i);
        a->dirty_newest[i] = walk_element(w, address, ARENA_DIRTY_NEWEST, i);
        a->dirty_bytes += walk_element(w, address, ARENA_DIRTY_BYTES, i);
    }
    a->widened = walk_element(w, address, ARENA_WIDENED, 0);
    a->purging = walk_element(w, address, ARENA_PURGING, 0);
    a->depot_bytes = walk_element(w, address, ARENA_DEPOT_BYTES, 0);
    a->remote_list = walk_element(w, address, ARENA_REMOTE_LIST, 0);
    a->remote_bytes = walk_element(w, address, ARENA_REMOTE_BYTES, 0);
    for (unsigned i = 0; i < WALK_COUNTS; i++)
        a->counts[i] = walk_element(w, address, ARENA_COUNTS, i);
    return true;
}

bool walk_read_heap(struct walk *w, uint64_t address, struct walk_heap *h)
{
    unsigned char copy[OBJECT_MAX];
    const unsigned char *p = walk_object(w, address, HEAP_MAGIC_WORD, HEAP_FLAGS, copy);
    if (p == NULL)
        return false;
    *h = (struct walk_heap){
        .address = address,
        .magic = walk_value(w, p, HEAP_MAGIC_WORD),
        .arena = walk_value(w, p, HEAP_ARENA),
        .next = walk_value(w, p, HEAP_NEXT),
        .start = walk_value(w, p, HEAP_START),
        .end = walk_value(w, p, HEAP_END),
        .limit = walk_value(w, p, HEAP_LIMIT),
        .first = walk_value(w, p, HEAP_FIRST),
        .kind = (uint32_t)walk_value(w, p, HEAP_KIND),
        .flags = (uint32_t)walk_value(w, p, HEAP_FLAGS),
    };
    return true;
}

bool walk_read_cache(struct walk *w, uint64_t address, struct walk_cache *k)
{
    unsigned char probe;
    if (address == 0 || !reader_get(w->reader, address, &probe, sizeof probe))
        return false;
    *k = (struct walk_cache){
        .address = address,
        .next = walk_element(w, address, CACHE_NEXT, 0),
        .prev = walk_element(w, address, CACHE_PREV, 0),
        .arena = walk_element(w, address, CACHE_ARENA, 0),
        .spare = walk_element(w, address, CACHE_SPARE, 0),
        .spares = (uint32_t)walk_element(w, address, CACHE_SPARES, 0),
        .thread = (uint32_t)walk_element(w, address, CACHE_THREAD, 0),
        .capacity = walk_element(w, address, CACHE_CAPACITY, 0),
        .budget = walk_element(w, address, CACHE_BUDGET, 0),
        .quarantine = walk_element(w, address, CACHE_QUARANTINE, 0),
    };
    return true;
}

bool walk_read_stack(struct walk *w, uint64_t cache, unsigned class,
                     struct walk_stack *s)
{
    const struct layout_field *stack = walk_field(w, CACHE_STACK);
    const struct layout_field *state = walk_field(w, CACHE_STATE);
    if (class >= stack->count || class >= state->count)
        return false;
    uint64_t hot = cache + stack->offset + (uint64_t) class * stack->size;
    uint64_t cold = cache + state->offset + (uint64_t) class * state->size;
    unsigned char copy[OBJECT_MAX];
    const unsigned char *p = walk_object(w, hot, STACK_TOP, STACK_LIMIT, copy);
    if (p == NULL)
        return false;
    s->top = walk_value(w, p, STACK_TOP);
    s->limit = walk_value(w, p, STACK_LIMIT);
    p = walk_object(w, cold, STATE_BASE, STATE_ALLOWED, copy);
    if (p == NULL)
        return false;
    s->base = walk_value(w, p, STATE_BASE);
    s->room = (uint32_t)walk_value(w, p, STATE_ROOM);
    s->allowed = (uint32_t)walk_value(w, p, STATE_ALLOWED);
    return true;
}

size_t walk_read_slots(struct walk *w, const struct walk_slots *s, uint64_t first,
                       uint64_t *out, size_t count)
{
    size_t n = first < s->count ? min_size(count, (size_t)(s->count - first)) : 0;
    const unsigned char *raw = (const unsigned char *)out;
    if (n == 0 || !reader_get(w->reader, s->at + first * s->width, out, n * s->width))
        return 0;
    /* From the last one: they grow in place. */
    for (size_t i = s->width == sizeof *out ? 0 : n; i-- > 0;) {
        uint32_t low;
        memcpy(&low, raw + i * sizeof low, sizeof low);
        out[i] = (s->high << 32 | low) * CHUNK_ALIGN;
    }
    return n;
}

bool walk_read_magazine(struct walk *w, uint64_t address, struct walk_magazine *m)
{
    unsigned char copy[OBJECT_MAX];
    const unsigned char *p =
        walk_object(w, address, MAGAZINE_NEXT, MAGAZINE_SLOT, copy);
    if (p == NULL)
        return false;
    *m = (struct walk_magazine){
        .address = address,
        .next = walk_value(w, p, MAGAZINE_NEXT),
        .class = (uint32_t)walk_value(w, p, MAGAZINE_CLASS),
        .count = (uint32_t)walk_value(w, p, MAGAZINE_COUNT),
    };
    m->slots = (struct walk_slots){
        .at = address + walk_field(w, MAGAZINE_SLOT)->offset,
        .count = m->count,
        .high = walk_value(w, p, MAGAZINE_HIGH),
        .width = walk_field(w, MAGAZINE_SLOT)->size,
    };
    return m->class < w->root.class_count && m->count <= w->root.magazine_slots &&
           (m->slots.width == 4 || m->slots.width == 8);
}

bool walk_read_mapped(struct walk *w, uint64_t address, struct walk_mapped *m)
{
    unsigned char copy[OBJECT_MAX];
    const unsigned char *p = walk_object(w, address, MAPPED_NEXT, MAPPED_SLOT, copy);
    if (p == NULL)
        return false;
    *m = (struct walk_mapped){
        .address = address,
        .next = walk_value(w, p, MAPPED_NEXT),
        .prev = walk_value(w, p, MAPPED_PREV),
        .start = walk_value(w, p, MAPPED_START),
        .length = walk_value(w, p, MAPPED_LENGTH),
        .chunk = walk_value(w, p, MAPPED_CHUNK),
        .slot = walk_value(w, p, MAPPED_SLOT),
    };
    return true;
}

bool walk_read_mapped_all(struct walk *w, struct walk_mapped_all *m)
{
    unsigned char copy[OBJECT_MAX];
    const unsigned char *p =
        walk_object(w, walk_address(w->root.mapped), MAPPED_LIVE, MAPPED_REUSES, copy);
    if (p == NULL)
        return false;
    *m = (struct walk_mapped_all){
        .live = walk_value(w, p, MAPPED_LIVE),
        .kept = walk_value(w, p, MAPPED_KEPT),
        .slots = walk_value(w, p, MAPPED_SLOTS),
        .slot_count = walk_value(w, p, MAPPED_SLOT_COUNT),
        .slot_free = walk_value(w, p, MAPPED_SLOT_FREE),
        .count = walk_value(w, p, MAPPED_COUNT),
        .bytes = walk_value(w, p, MAPPED_BYTES),
        .kept_bytes = walk_value(w, p, MAPPED_KEPT_BYTES),
        .peak_count = walk_value(w, p, MAPPED_PEAK_COUNT),
        .peak_bytes = walk_value(w, p, MAPPED_PEAK_BYTES),
        .maps = walk_value(w, p, MAPPED_MAPS),
        .unmaps = walk_value(w, p, MAPPED_UNMAPS),
        .remaps = walk_value(w, p, MAPPED_REMAPS),
        .reuses = walk_value(w, p, MAPPED_REUSES),
    };
    return true;
}

bool walk_read_meta(struct walk *w, struct walk_meta *m)
{
    unsigned char copy[OBJECT_MAX];
    const unsigned char *p =
        walk_object(w, walk_address(w->root.meta), META_REGIONS, META_USED, copy);
    if (p == NULL)
        return false;
    *m = (struct walk_meta){
        .regions = walk_value(w, p, META_REGIONS),
        .bump = walk_value(w, p, META_BUMP),
        .end = walk_value(w, p, META_END),
        .mapped = walk_value(w, p, META_MAPPED),
        .used = walk_value(w, p, META_USED),
    };
    return true;
}

bool walk_heap_is_sane(const struct walk *w, const struct walk_heap *h)
{
    uint64_t most = (uint64_t)1 << 56;
    bool ordered = h->start <= h->first && h->first + CHUNK_HEADER <= h->end &&
                   h->end <= h->limit && h->limit < most;
    bool aligned = h->first % CHUNK_ALIGN == 0 && h->end % CHUNK_ALIGN == 0;
    bool near = h->first - h->start < w->page;
    return ordered && aligned && near;
}

/* Before version 3 bit 0 of what is hashed set the special words apart. */
uint32_t walk_tag(const struct walk *w, const void *mem, uint64_t word)
{
    if (LIKELY(w->root.major >= 3) || !chunk_word_is_special(word))
        return chunk_tag(&w->keys, mem, word);
    uint32_t check = chunk_hash_plain(w->keys.address, w->keys.word, mem, word | 1);
    return check | (uint32_t)(word >> 32);
}

/* Judges a header by itself. */
static void walk_judge(const struct walk *w, const struct chunk *raw,
                       struct walk_chunk *c)
{
    c->bits = chunk_bits(raw);
    c->tag = load_word(&raw->tag);
    c->flags = c->bits & CHUNK_FLAGS;
    uint64_t high = c->tag & 0xffff;
    uint64_t word = (high << 32) | (c->bits & ~(uint32_t)PREV_INUSE);
    const void *mem = (const void *)(uintptr_t)(c->address + CHUNK_HEADER);
    uint32_t verdict = c->tag ^ walk_tag(w, mem, word);
    c->size = word & ~(uint64_t)CHUNK_FLAGS;
    if (verdict == 0) {
        c->state = (c->flags & IS_MMAPPED) != 0 ? WALK_MAPPED : WALK_LIVE;
    } else if (verdict == CHECK_MASK) {
        unsigned where = c->bits & IDLE_STATE;
        c->state = where == IDLE_OUT        ? WALK_OUT
                   : where == IDLE_FAST     ? WALK_FAST
                   : where == IDLE_UNSORTED ? WALK_UNSORTED
                   : c->size < LARGE_MIN    ? WALK_SMALL
                                            : WALK_LARGE;
    } else {
        c->state = WALK_BROKEN;
    }
}

void walk_chunk_copy(const struct walk *w, uint64_t address, const void *raw,
                     struct walk_chunk *c)
{
    c->address = address;
    memcpy(&c->prev_size, raw, sizeof c->prev_size);
    walk_judge(w, raw, c);
}

bool walk_chunk_at(struct walk *w, const struct walk_heap *h, uint64_t top,
                   uint64_t address, struct walk_chunk *c)
{
    const void *raw = reader_peek(w->reader, address, CHUNK_HEADER);
    if (raw == NULL)
        return false;
    walk_chunk_copy(w, address, raw, c);
    uint64_t fence = h->end - CHUNK_HEADER;
    bool fits = address == fence ? c->size == FENCE_SIZE && c->state == WALK_LIVE
                                 : c->size >= CHUNK_MIN && c->size <= fence - address;
    if (c->state == WALK_BROKEN || c->state == WALK_MAPPED || !fits) {
        c->state = WALK_BROKEN;
        c->size = 0;
    } else if (address == fence) {
        c->state = WALK_FENCE;
    } else if (address == top && c->state == WALK_OUT) {
        c->state = WALK_TOP;
    }
    return true;
}

bool walk_chunk_anywhere(struct walk *w, uint64_t address, struct walk_chunk *c)
{
    uint64_t copy[2];
    if (address % CHUNK_ALIGN != 0 ||
        !reader_get(w->reader, address, copy, sizeof copy))
        return false;
    walk_chunk_copy(w, address, copy, c);
    return true;
}

uint64_t walk_request(struct walk *w, const struct walk_chunk *c)
{
    uint64_t usable = walk_usable(c), slack = 0;
    if ((c->flags & HAS_REQUEST) == 0 ||
        (c->state != WALK_LIVE && c->state != WALK_MAPPED))
        return usable;
    uint64_t end = c->address + CHUNK_HEADER + usable;
    unsigned char last;
    if (!reader_get(w->reader, end - 1, &last, 1))
        return usable;
    slack = last;
    if (last == SLACK_IS_WIDE)
        slack = walk_word(w, end - 9);
    return slack > usable ? usable : usable - slack;
}
