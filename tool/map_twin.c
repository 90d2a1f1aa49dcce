/* The second half of a map; see map_twin.h. State: in the struct. */
#include "map_twin.h"

#include <stdlib.h>

enum { PAGE_CELL = 4096 };

struct map_twin_heap {
    struct mix *cell;
    uint64_t base, count;
    uint64_t counted;    /* pages before this one */
    uint64_t first_live; /* the chunk in use that it met first */
};

struct map_twin {
    struct scan_twin *twin;
    struct map_twin_heap *heap; /* as scan.heaps */
    size_t heaps;
    uint64_t cell;
    bool joined, dropped;
};

static bool map_twin_block(void *context, const struct block *b)
{
    struct map_twin *m = context;
    struct scan *s = twin_scan(m->twin);
    struct map_twin_heap *h = &m->heap[b->heap - s->heaps];
    uint64_t at = b->address - h->base, end = at + b->size;
    if (h->cell == NULL)
        h->cell = take((size_t)h->count * sizeof *h->cell);
    bool live = b->kind == KIND_LIVE;
    if (live && h->first_live == 0)
        h->first_live = b->address;
    while (at < end && at / m->cell < h->count) {
        uint64_t stop = (at / m->cell + 1) * m->cell;
        stop = stop < end ? stop : end;
        mix_add(&h->cell[at / m->cell], b, stop - at);
        if (live)
            mix_pages(&h->cell[at / m->cell], s, h->base + at, h->base + stop,
                      &h->counted);
        at = stop;
    }
    return true;
}

struct map_twin *map_twin_open(struct scan *s, const struct map_style *style)
{
    if (style->cell < PAGE_CELL || style->from != 0 || style->to != 0)
        return NULL;
    struct scan_twin *twin = twin_open(s);
    if (twin == NULL)
        return NULL;
    struct map_twin *m = take(sizeof *m);
    *m = (struct map_twin){.twin = twin,
                           .heap = take(s->heap_count * sizeof *m->heap),
                           .heaps = s->heap_count,
                           .cell = style->cell};
    for (size_t i = 0; i < s->heap_count; i++) {
        m->heap[i].base = map_base(&s->heaps[i], style->cell);
        m->heap[i].count = (s->heaps[i].h.end - m->heap[i].base) / style->cell + 1;
    }
    uint64_t at; /* the page of the seam is counted by the first thread */
    struct map_twin_heap *seam = &m->heap[twin_heap(twin, &at)];
    seam->counted = align_up(at, s->walk->page);
    twin_start(twin, map_twin_block, m);
    return m;
}

uint64_t map_twin_from(const struct map_twin *m, size_t heap)
{
    uint64_t at;
    if (m == NULL || m->dropped || heap < twin_heap(m->twin, &at))
        return UINT64_MAX;
    return heap == twin_heap(m->twin, &at) ? at : 0;
}

static void map_twin_wait(struct map_twin *m)
{
    if (!m->joined)
        twin_join(m->twin);
    m->joined = true;
}

void map_twin_drop(struct map_twin *m)
{
    m->dropped = true;
}

const struct mix *map_twin_sums(struct map_twin *m, size_t heap, uint64_t *count)
{
    map_twin_wait(m);
    *count = m->heap[heap].cell == NULL ? 0 : m->heap[heap].count;
    return m->heap[heap].cell;
}

uint64_t map_twin_first_live(const struct map_twin *m, size_t heap)
{
    return m->heap[heap].first_live;
}

void map_twin_close(struct map_twin *m)
{
    if (m == NULL)
        return;
    if (m->dropped)
        twin_stop(m->twin);
    else
        map_twin_wait(m);
    for (size_t i = 0; i < m->heaps; i++)
        free(m->heap[i].cell);
    twin_close(m->twin);
    free(m->heap);
    free(m);
}
