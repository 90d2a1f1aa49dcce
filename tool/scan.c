/* What a scan knows before it reads chunks; see scan.h. State: in the scan. */
#include "scan.h"

#include <stdlib.h>

static const char *const kind_names[KINDS] = {
    [KIND_LIVE] = "live",
    [KIND_CACHED] = "cached",
    [KIND_DEPOT] = "depot",
    [KIND_REMOTE] = "remote",
    [KIND_MOVING] = "moving",
    [KIND_FAST] = "fast",
    [KIND_RESTING] = "quarantine",
    [KIND_SMALL] = "small",
    [KIND_UNSORTED] = "unsorted",
    [KIND_LARGE] = "large",
    [KIND_TOP] = "top",
    [KIND_FENCE] = "fence",
    [KIND_MAPPED] = "mapped",
    [KIND_KEPT] = "kept",
    [KIND_BROKEN] = "broken",
    [KIND_GUARDED] = "guarded",
    [KIND_BARRED] = "barred",
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

static void scan_sort(void *array, size_t count, size_t each,
                      int (*order)(const void *, const void *))
{
    if (count != 0)
        qsort(array, count, each, order);
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
    scan_sort(s->arenas, s->arena_count, sizeof *s->arenas, scan_by_index);
}

static void scan_read_heaps(struct scan *s, unsigned arena)
{
    const struct walk_arena *a = &s->arenas[arena].a;
    uint64_t at = a->heaps;
    for (unsigned i = 0; at != 0; i++) {
        struct scan_heap h = {.arena = arena};
        if (i == LIST_MAX || !walk_read_heap(s->walk, at, &h.h) ||
            !walk_heap_is_sane(s->walk, &h.h) ||
            !source_maps(s->source, h.h.start, h.h.end)) {
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
    scan_sort(s->heaps, s->heap_count, sizeof *s->heaps, scan_by_heap);
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
            m.m.start % 4096 != 0 || m.m.start + m.m.length < m.m.start ||
            !source_maps(s->source, m.m.start, m.m.start + m.m.length) ||
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
        if (size == 0 || size % 4096 != 0 || at % 4096 != 0 || at + size < at ||
            !source_maps(s->source, at, at + size)) {
            s->is_damaged = true;
            break;
        }
        scan_add_region(&s->meta, &s->meta_count, at, size);
        at = walk_element(s->walk, at, REGION_NEXT, 0);
    }
    large = align_up(large, s->walk->page);
    if (s->mapped_all.slot_count > s->walk->root.meta_large / 8 &&
        s->mapped_all.slot_count < LIST_MAX && s->mapped_all.slots % 4096 == 0 &&
        source_maps(s->source, s->mapped_all.slots, s->mapped_all.slots + large))
        scan_add_region(&s->meta, &s->meta_count, s->mapped_all.slots, large);
    if (s->guard_table.end != 0)
        scan_add_region(&s->meta, &s->meta_count, s->guard_table.start,
                        s->guard_table.end - s->guard_table.start);
    scan_sort(s->meta, s->meta_count, sizeof *s->meta, scan_by_key);
}

static void scan_read_spare(struct scan *s)
{
    uint64_t at = walk_element(s->walk, (uintptr_t)s->walk->root.spare, SPARE_FIRST, 0);
    for (unsigned i = 0; at != 0 && i < LIST_MAX; i++) {
        struct walk_heap h;
        if (!walk_read_heap(s->walk, at, &h) ||
            !source_maps(s->source, at, at + s->walk->root.heap_span))
            break;
        scan_add_region(&s->spare, &s->spare_count, at, s->walk->root.heap_span);
        at = h.next;
    }
    scan_sort(s->spare, s->spare_count, sizeof *s->spare, scan_by_key);
}

/* --- where idle chunks are -------------------------------------------------- */

static void scan_add_place(struct scan *s, uint64_t mem, enum kind kind)
{
    if (mem % CHUNK_ALIGN != 0 || mem == 0)
        return;
    s->places = scan_more(s->places, s->place_count, sizeof *s->places);
    s->places[s->place_count++].key = (mem - CHUNK_HEADER) | (uint64_t)kind;
}

static void scan_add_slots(struct scan *s, const struct walk_slots *slots,
                           enum kind kind)
{
    uint64_t slot[128];
    size_t n;
    for (uint64_t done = 0; (n = walk_read_slots(s->walk, slots, done, slot, 128)) != 0;
         done += n)
        for (size_t i = 0; i < n; i++)
            scan_add_place(s, slot[i], kind);
}

static void scan_add_magazines(struct scan *s, uint64_t first, enum kind kind)
{
    struct walk_magazine m;
    uint64_t at = first;
    for (unsigned i = 0; at != 0 && i < LIST_MAX; i++, at = m.next) {
        if (!walk_read_magazine(s->walk, at, &m))
            return;
        scan_add_slots(s, &m.slots, kind);
    }
}

static void scan_read_cache(struct scan *s, uint64_t cache)
{
    for (unsigned class = 1; class < s->walk->root.class_count; class ++) {
        struct walk_stack k;
        if (!walk_read_stack(s->walk, cache, class, &k) || k.base == 0)
            continue;
        struct walk_slots slots = walk_stack_slots(&k);
        if (k.top >= k.base && slots.count <= k.room)
            scan_add_slots(s, &slots, KIND_CACHED);
    }
}

/* An array of struct resting, whose first member is the chunk. */
static void scan_add_resting(struct scan *s, uint64_t quarantine, enum layout_id array)
{
    const struct layout_field *f = &s->walk->field[array];
    for (unsigned i = 0; i < f->count && f->size >= 8; i++) {
        uint64_t chunk =
            walk_word(s->walk, quarantine + f->offset + (uint64_t)i * f->size);
        if (chunk != 0)
            scan_add_place(s, chunk + CHUNK_HEADER, KIND_RESTING);
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
        if (k.quarantine != 0) {
            scan_add_resting(s, k.quarantine, QUARANTINE_QUEUE_FIELD);
            scan_add_resting(s, k.quarantine, QUARANTINE_CHANCE_FIELD);
        }
    }
    for (size_t i = 0; i < s->arena_count; i++) {
        const struct walk_arena *a = &s->arenas[i].a;
        for (unsigned class = 0; class < s->walk->root.class_count; class ++)
            scan_add_magazines(
                s, walk_element(s->walk, a->address, ARENA_DEPOT_FULL, class),
                KIND_DEPOT);
        scan_add_magazines(s, a->remote_list, KIND_REMOTE);
    }
    scan_sort(s->places, s->place_count, sizeof *s->places, scan_by_key);
}

/* --- the scan --------------------------------------------------------------- */

enum status scan_open(struct scan *s, struct source *source)
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
        scan_sort(s->mapped, s->mapped_count, sizeof *s->mapped, scan_by_start);
    }
    scan_read_guards(s);
    scan_read_meta(s);
    scan_read_spare(s);
    scan_read_places(s);
    if (s->arena_count != 0)
        return STATUS_OK;
    if (source_is_gone(source))
        return complain(STATUS_UNREADABLE, "%s ended while it was looked at",
                        source->title);
    return complain(STATUS_DAMAGED, "%s: its main arena cannot be read", source->title);
}

void scan_close(struct scan *s)
{
    free(s->arenas);
    free(s->heaps);
    free(s->mapped);
    free(s->meta);
    free(s->spare);
    free(s->places);
    free(s->guards);
    *s = (struct scan){0};
}
