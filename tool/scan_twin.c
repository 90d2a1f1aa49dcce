/* The second half of a scan; see scan_twin.h. State: in the twin. */
#include "scan_twin.h"

#include <pthread.h>
#include <stdlib.h>

enum { TWIN_LEAST = 64 << 20 /* bytes of heaps that are worth a thread */ };

struct scan_twin {
    struct scan *first;
    struct source source;
    struct scan scan; /* arenas and heaps of its own, for what is noted in them */
    size_t heap;
    uint64_t at;
    scan_visit *visit;
    void *context;
    pthread_t thread;
    bool runs;
};

/* The heap that holds the middle of all bytes, and a boundary near it. */
static bool twin_divide(struct scan_twin *t)
{
    const struct scan *s = t->first;
    uint64_t whole = 0, sum = 0;
    for (size_t i = 0; i < s->heap_count; i++)
        whole += s->heaps[i].h.end - s->heaps[i].h.start;
    if (whole < TWIN_LEAST)
        return false;
    for (t->heap = 0; t->heap < s->heap_count; t->heap++) {
        struct scan_heap *h = &t->first->heaps[t->heap];
        uint64_t size = h->h.end - h->h.start;
        if (sum + size >= whole / 2) {
            uint64_t middle = h->h.start + (whole / 2 - sum);
            t->at =
                middle <= h->h.first ? h->h.first : scan_boundary(t->first, h, middle);
            return t->at != 0;
        }
        sum += size;
    }
    return false;
}

static void *twin_copy(const void *from, size_t bytes)
{
    return memcpy(take(bytes), from, bytes);
}

struct scan_twin *twin_open(struct scan *s)
{
    struct scan_twin *t = take(sizeof *t);
    t->first = s;
    if (s->source->twin == NULL || s->heap_count == 0 || !twin_divide(t) ||
        !s->source->twin(s->source, &t->source)) {
        free(t);
        return NULL;
    }
    t->scan = *s;
    t->scan.source = &t->source;
    t->scan.walk = &t->source.walk;
    t->scan.arenas = twin_copy(s->arenas, s->arena_count * sizeof *s->arenas);
    t->scan.heaps = twin_copy(s->heaps, s->heap_count * sizeof *s->heaps);
    return t;
}

struct scan *twin_scan(struct scan_twin *t)
{
    return &t->scan;
}

size_t twin_heap(const struct scan_twin *t, uint64_t *at)
{
    *at = t->at;
    return t->heap;
}

static void *twin_run(void *context)
{
    struct scan_twin *t = context;
    struct scan *s = &t->scan;
    bool more =
        scan_part(s, &s->heaps[t->heap], t->at, UINT64_MAX, t->visit, t->context);
    for (size_t i = t->heap + 1; more && i < s->heap_count; i++)
        more = scan_heap(s, &s->heaps[i], t->visit, t->context);
    return NULL;
}

void twin_start(struct scan_twin *t, scan_visit *visit, void *context)
{
    t->visit = visit;
    t->context = context;
    t->scan.wants_request = t->first->wants_request;
    t->runs = pthread_create(&t->thread, NULL, twin_run, t) == 0;
    if (!t->runs)
        twin_run(t);
}

void twin_stop(struct scan_twin *t)
{
    if (t->runs)
        pthread_join(t->thread, NULL);
    t->runs = false;
}

void twin_join(struct scan_twin *t)
{
    twin_stop(t);
    t->first->is_damaged = t->first->is_damaged || t->scan.is_damaged;
    t->first->source->retries += t->source.retries;
    t->source.retries = 0;
    for (size_t i = 0; i < t->scan.arena_count; i++)
        if (t->scan.arenas[i].is_damaged)
            t->first->arenas[i].is_damaged = true;
    for (size_t i = t->heap; i < t->scan.heap_count; i++)
        t->first->heaps[i].done = t->scan.heaps[i].done;
}

void twin_close(struct scan_twin *t)
{
    free(t->scan.arenas);
    free(t->scan.heaps);
    source_close(&t->source);
    free(t);
}
