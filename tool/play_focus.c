/* See play_focus.h. No state. */
#include "play_focus.h"

enum {
    FOCUS_WHOLE = 64 * 1024,       /* regions used up to here are drawn whole */
    FOCUS_PLAIN = 4 * 1024 * 1024, /* and up to here if they hold few chunks */
    FOCUS_FEW = 256,
    FOCUS_HEAD = 1024,
    FOCUS_AROUND = 512,
    FOCUS_GAP = 3 /* rows: less is not worth a fold */
};

static void focus_add(struct focus *f, uint64_t from, uint64_t to)
{
    if (f->ranges < FOCUS_RANGES && from < to)
        f->range[f->ranges++] = (struct focus_range){from, to};
}

/* Around both ends of the chunk at or over this address. */
static void focus_near(struct focus *f, const struct heap_region *region,
                       uint64_t address)
{
    struct heap_place p;
    const struct heap_chunk *c = heap_from(region, address, &p);
    if (address < region->start || address >= region->end || c == NULL)
        return;
    uint64_t at = c->at - region->start, end = at + c->size;
    focus_add(f, at > FOCUS_AROUND ? at - FOCUS_AROUND : 0, at + FOCUS_AROUND);
    focus_add(f, end > FOCUS_AROUND ? end - FOCUS_AROUND : 0, end + FOCUS_AROUND / 2);
}

static void focus_round(struct focus *f, uint64_t size, uint64_t row)
{
    for (unsigned i = 0; i < f->ranges; i++) {
        struct focus_range *x = &f->range[i];
        x->from -= x->from % row;
        x->to = x->to > size ? size : x->to;
        x->to = (x->to + row - 1) / row * row;
    }
}

/* In order, and joined where they meet or nearly do. */
static void focus_join(struct focus *f, uint64_t row)
{
    unsigned kept = 0;
    for (unsigned i = 1; i < f->ranges; i++)
        for (unsigned k = i; k > 0 && f->range[k].from < f->range[k - 1].from; k--) {
            struct focus_range swapped = f->range[k];
            f->range[k] = f->range[k - 1];
            f->range[k - 1] = swapped;
        }
    for (unsigned i = 1; i < f->ranges; i++) {
        struct focus_range *last = &f->range[kept], *x = &f->range[i];
        if (x->from < last->to + FOCUS_GAP * row)
            last->to = x->to > last->to ? x->to : last->to;
        else
            f->range[++kept] = *x;
    }
    f->ranges = f->ranges == 0 ? 0 : kept + 1;
}

static bool focus_is_whole(const struct heap_region *region)
{
    if (region->used <= FOCUS_WHOLE)
        return true;
    struct heap_sums s = heap_sums_of(region, region->start, region->end);
    return region->used <= FOCUS_PLAIN && s.live + s.parts <= FOCUS_FEW;
}

void focus_of(struct focus *f, const struct play_run *r,
              const struct heap_region *region, uint64_t row, bool all)
{
    uint64_t size = region->end - region->start;
    f->ranges = 0;
    if (all || focus_is_whole(region)) {
        focus_add(f, 0, region->used);
    } else {
        focus_add(f, 0, FOCUS_HEAD);
        focus_near(f, region, r->session.result);
        focus_near(f, region, r->mem);
        if (r->heap.error != NULL)
            focus_near(f, region, r->heap.error_at);
        focus_add(f, region->used - FOCUS_AROUND, region->used);
    }
    if (region->top_size != 0)
        focus_add(f, size - 1, size);
    focus_round(f, size, row);
    focus_join(f, row);
}
