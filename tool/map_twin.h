/*
 * A coarse map by two threads: the second fills the cells of the second half, which are
 * drawn when the first has come that far.
 */
#ifndef TOOL_MAP_TWIN_H
#define TOOL_MAP_TWIN_H

#include "scan_twin.h"
#include "show.h"

/* What one large cell holds, bytes. */
struct mix {
    uint64_t live, cached, free, top, broken;
    uint64_t busy;    /* of resident pages that chunks in use lie in */
    uint64_t largest; /* part of one chunk in use, and its size: the cell's colour */
    uint64_t largest_size;
};

/* Adds `part` bytes of a chunk. */
static inline void mix_add(struct mix *m, const struct block *b, uint64_t part)
{
    if (b->kind == KIND_LIVE || b->kind == KIND_MAPPED) {
        m->live += part;
        m->largest_size = part > m->largest ? b->size : m->largest_size;
        m->largest = part > m->largest ? part : m->largest;
    } else if (b->kind == KIND_TOP)
        m->top += part;
    else if (b->kind == KIND_BROKEN)
        m->broken += part;
    else if (kind_is_cached(b->kind) || b->kind == KIND_FAST)
        m->cached += part;
    else if (b->kind != KIND_FENCE)
        m->free += part;
}

/* Counts the pages of a chunk in use, or part of one; those before *done were counted. */
static inline void mix_pages(struct mix *m, struct scan *s, uint64_t from, uint64_t end,
                             uint64_t *done)
{
    uint64_t page = s->walk->page;
    from = align_down(from, page);
    from = from < *done ? *done : from;
    end = align_up(end, page);
    if (end <= from)
        return;
    m->busy += scan_resident(s, from, end);
    *done = end;
}

static inline void mix_join(struct mix *m, const struct mix *more)
{
    m->live += more->live;
    m->cached += more->cached;
    m->free += more->free;
    m->top += more->top;
    m->broken += more->broken;
    m->busy += more->busy;
    if (more->largest > m->largest) {
        m->largest = more->largest;
        m->largest_size = more->largest_size;
    }
}

/* Starts the second thread. NULL: there is none, which is fine for all that follows. */
struct map_twin *map_twin_open(struct scan *s, const struct map_style *style);
/* From where on a heap is the second thread's: 0 if all of it is, UINT64_MAX if nothing. */
uint64_t map_twin_from(const struct map_twin *m, size_t heap);
/* It began inside of a chunk: what it has, or will have, is void. */
void map_twin_drop(struct map_twin *m);
/* Its cells of a heap, from map_base on; waits for it. */
const struct mix *map_twin_sums(struct map_twin *m, size_t heap, uint64_t *count);
/* Where its first chunk in use of a heap lies; after map_twin_sums. */
uint64_t map_twin_first_live(const struct map_twin *m, size_t heap);
void map_twin_close(struct map_twin *m);

#endif
