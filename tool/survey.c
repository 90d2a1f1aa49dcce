/* Sums over one scan; see survey.h. State: in the survey. */
#include "survey.h"

#include "scan_twin.h"

#include <inttypes.h>
#include <stdlib.h>

/* Parts of a live chunk; most lie within one run of pages. */
static void survey_parts(struct survey *v, struct survey_arena *a,
                         const struct block *b)
{
    uint64_t mem = b->address + CHUNK_HEADER;
    uint64_t header = b->kind == KIND_MAPPED ? b->address : b->address + CHUNK_OVERHEAD;
    a->headers_resident += scan_resident(v->scan, header, mem);
    a->requested_resident += scan_resident(v->scan, mem, mem + b->request);
}

static void survey_count(struct survey *v, struct survey_arena *a,
                         const struct block *b)
{
    struct tally *t = &a->kind[b->kind];
    t->count++;
    t->size += b->size;
    t->resident += v->wants_resident
                       ? scan_resident(v->scan, b->address, b->address + b->size)
                       : 0;
    if (b->kind == KIND_LIVE || b->kind == KIND_MAPPED) {
        bool mapped = b->kind == KIND_MAPPED;
        a->usable += b->size - (mapped ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD);
        a->requested += b->request;
        a->recorded += b->recorded;
        if (v->wants_resident)
            survey_parts(v, a, b);
    }
}

static bool survey_chunk(void *context, const struct block *b)
{
    struct survey *v = context;
    struct survey_arena *a = &v->arena[b->heap->arena];
    survey_count(v, a, b);
    if (kind_is_free(b->kind) && !kind_is_cached(b->kind)) {
        unsigned bucket = log2_floor(b->size | 1);
        bucket = bucket < RUN_BUCKETS ? bucket : RUN_BUCKETS - 1;
        if (b->kind != KIND_TOP && b->size > a->largest_free)
            a->largest_free = b->size;
        if (b->size > a->largest_run)
            a->largest_run = b->size;
        v->run[bucket]++;
        v->run_size[bucket] += b->size;
    }
    return true;
}

static bool survey_mapping(void *context, const struct block *b)
{
    struct survey *v = context;
    uint64_t start = b->mapped->m.start;
    survey_count(v, &v->all, b);
    v->lead += b->address - start;
    if (v->wants_resident && b->address != start)
        v->lead_resident += scan_resident(v->scan, start, b->address);
    return true;
}

/* Blocks between guard pages count with whole pages: no other block shares them. */
static bool survey_guard(void *context, const struct block *b)
{
    struct survey *v = context;
    struct tally *t = &v->all.kind[b->kind];
    t->count++;
    t->resident += v->wants_resident ? scan_guard_resident(v->scan, b->guard) : 0;
    t->size += b->guard->to - b->guard->from;
    v->guarded_asked += b->kind == KIND_GUARDED ? b->request : 0;
    return true;
}

static void survey_add(struct survey_arena *to, const struct survey_arena *from)
{
    for (unsigned k = 0; k < KINDS; k++) {
        to->kind[k].count += from->kind[k].count;
        to->kind[k].size += from->kind[k].size;
        to->kind[k].resident += from->kind[k].resident;
    }
    to->requested += from->requested;
    to->recorded += from->recorded;
    to->usable += from->usable;
    to->headers_resident += from->headers_resident;
    to->requested_resident += from->requested_resident;
    to->heap_bytes += from->heap_bytes;
    to->heap_resident += from->heap_resident;
    to->head += from->head;
    if (from->largest_free > to->largest_free)
        to->largest_free = from->largest_free;
    if (from->largest_run > to->largest_run)
        to->largest_run = from->largest_run;
}

static void survey_regions(struct survey *v)
{
    struct scan *s = v->scan;
    for (size_t i = 0; i < s->meta_count; i++) {
        v->meta_size += s->meta[i].end - s->meta[i].start;
        v->meta_resident += scan_resident(s, s->meta[i].start, s->meta[i].end);
    }
    v->meta_size -= s->guard_table_unused;
    v->meta_resident -= s->source->run == NULL ? s->guard_table_unused : 0;
    for (size_t i = 0; i < s->spare_count; i++)
        v->spare_resident += scan_resident(s, s->spare[i].start, s->spare[i].end);
}

static void survey_join(struct survey *v, const struct survey *second)
{
    for (size_t i = 0; i < v->scan->arena_count; i++)
        survey_add(&v->arena[i], &second->arena[i]);
    for (unsigned i = 0; i < RUN_BUCKETS; i++) {
        v->run[i] += second->run[i];
        v->run_size[i] += second->run_size[i];
    }
}

/* The heaps by two threads, each with sums of its own. */
static bool survey_heaps_twice(struct survey *v)
{
    struct scan *s = v->scan;
    struct survey second = {.wants_resident = v->wants_resident};
    struct scan_twin *t = twin_open(s);
    uint64_t at;
    if (t == NULL)
        return false;
    second.scan = twin_scan(t);
    second.arena = take(s->arena_count * sizeof *second.arena);
    twin_start(t, survey_chunk, &second);
    size_t divided = twin_heap(t, &at);
    for (size_t i = 0; i < divided; i++)
        scan_heap(s, &s->heaps[i], survey_chunk, v);
    struct scan_heap *h = &s->heaps[divided];
    scan_part(s, h, h->h.first, at, survey_chunk, v);
    if (h->done == at) {
        twin_join(t);
        survey_join(v, &second);
    } else {
        twin_stop(t);
        scan_part(s, h, h->done, UINT64_MAX, survey_chunk, v);
        for (size_t i = divided + 1; i < s->heap_count; i++)
            scan_heap(s, &s->heaps[i], survey_chunk, v);
    }
    free(second.arena);
    twin_close(t);
    return true;
}

void survey_take(struct survey *v, struct scan *s, bool requests, bool resident)
{
    *v = (struct survey){.scan = s, .wants_resident = resident};
    v->arena = take(s->arena_count * sizeof *v->arena);
    s->wants_request = requests;
    if (!survey_heaps_twice(v))
        scan_heaps(s, survey_chunk, v);
    for (size_t i = 0; i < s->heap_count; i++) {
        const struct scan_heap *h = &s->heaps[i];
        struct survey_arena *a = &v->arena[h->arena];
        a->heap_bytes += h->h.end - h->h.start;
        if (resident) {
            a->heap_resident += scan_resident(s, h->h.start, h->h.end);
            a->head +=
                h->h.first == h->h.start ? 0 : scan_resident(s, h->h.start, h->h.first);
        }
    }
    for (size_t i = 0; i < s->arena_count; i++)
        survey_add(&v->all, &v->arena[i]);
    scan_mappings(s, survey_mapping, v);
    scan_guards(s, survey_guard, v);
    scan_settle(s);
    if (resident)
        survey_regions(v);
}

/* Where in [from, to) nothing of ours lies: its resident bytes. */
static uint64_t survey_foreign(struct survey *v, uint64_t from, uint64_t to,
                               const struct region *ours, size_t count)
{
    uint64_t sum = 0, at = from;
    for (size_t i = 0; i < count && at < to; i++) {
        if (ours[i].end <= at || ours[i].start >= to)
            continue;
        if (ours[i].start > at)
            sum += scan_resident(v->scan, at, ours[i].start);
        at = ours[i].end;
    }
    return sum + (at < to ? scan_resident(v->scan, at, to) : 0);
}

static int survey_by_start(const void *x, const void *y)
{
    const struct region *a = x, *b = y;
    return a->start < b->start ? -1 : a->start > b->start;
}

struct region *survey_ours(const struct scan *s, size_t *count)
{
    struct region *r =
        take((s->heap_count + s->mapped_count + s->meta_count + s->spare_count + 2) *
             sizeof *r);
    size_t n = 0;
    for (size_t i = 0; i < s->heap_count; i++)
        r[n++] = (struct region){align_down(s->heaps[i].h.start, s->walk->page),
                                 align_up(s->heaps[i].h.end, s->walk->page)};
    for (size_t i = 0; i < s->mapped_count; i++)
        r[n++] = (struct region){s->mapped[i].m.start,
                                 s->mapped[i].m.start + s->mapped[i].m.length};
    for (size_t i = 0; i < s->meta_count; i++)
        r[n++] = s->meta[i];
    for (size_t i = 0; i < s->spare_count; i++)
        r[n++] = s->spare[i];
    if (s->guard_bump != s->guard_area.start)
        r[n++] = (struct region){s->guard_area.start, s->guard_bump};
    qsort(r, n, sizeof *r, survey_by_start);
    *count = n;
    return r;
}

static bool survey_touches(const struct region *ours, size_t count, uint64_t from,
                           uint64_t to)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ours[middle].end <= from)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ours[low].start < to;
}

void survey_kernel(struct survey *v)
{
    struct source *source = v->scan->source;
    char path[64], line[512];
    uint64_t from = 0, to = 0, kib, start, end;
    size_t count;
    if (source->kind != SOURCE_PID || source->run == NULL)
        return;
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)source->thread);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    struct region *ours = survey_ours(v->scan, &count);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
            from = start;
            to = end;
        } else if (sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
            v->process_resident += kib * 1024;
            if (survey_touches(ours, count, from, to)) {
                v->kernel_resident += kib * 1024;
                v->foreign_resident += survey_foreign(v, from, to, ours, count);
            }
        }
    }
    v->has_kernel = true;
    fclose(f);
    free(ours);
}

void survey_free(struct survey *v)
{
    free(v->arena);
    *v = (struct survey){0};
}
