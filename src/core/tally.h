/*
 * How many bytes of each page are idle, as far as the chunks that were counted tell: from
 * addresses and sizes, so that no block is touched. State: the arena's whose lock is held.
 * Notes: docs/notes/arenas.md#sieve
 */
#ifndef CHUNKY_CORE_TALLY_H
#define CHUNKY_CORE_TALLY_H

#include "core/chunk.h"

struct tally {
    uint16_t *idle;      /* of each page, in CHUNK_ALIGN bytes; NULL: none is kept */
    uintptr_t low, high; /* of the pages, whole ones */
    unsigned page_log2;
    uint16_t enough; /* from here on nothing of a page is in use */
    bool stale;      /* chunks went where they are not counted, or lie elsewhere */
    size_t pages;    /* that became wholly idle since it was begun */
};

/* Begins anew with the pages from `low` to `high`. False without memory. */
bool tally_begin(struct tally *t, uintptr_t low, uintptr_t high);
/* None is kept any more; `t` may be all zeroes. */
void tally_end(struct tally *t);
/* Where the last `pages` of those that are wholly idle begin. */
uintptr_t tally_last(const struct tally *t, size_t pages);
/* Pages from there on that are wholly idle are given away: they begin anew. */
void tally_forget(struct tally *t, uintptr_t from);

static ALWAYS_INLINE bool tally_holds(const struct tally *t, uintptr_t c, size_t size)
{
    return c >= t->low && c + size <= t->high;
}

static ALWAYS_INLINE void tally_page_add(struct tally *t, size_t page, size_t bytes)
{
    uint16_t had = t->idle[page], has = (uint16_t)(had + bytes / CHUNK_ALIGN);
    t->idle[page] = has;
    t->pages += had < t->enough && has >= t->enough;
}

static ALWAYS_INLINE void tally_page_remove(struct tally *t, size_t page, size_t bytes)
{
    uint16_t had = t->idle[page];
    uint16_t has = (uint16_t)(had - min_size(had, bytes / CHUNK_ALIGN));
    t->idle[page] = has;
    t->pages -= had >= t->enough && has < t->enough && t->pages != 0;
}

/* The pages of a chunk: part of the first, whole ones, part of the last. */
struct tally_part {
    size_t first, last;
    size_t in_first, in_last; /* bytes */
};

static ALWAYS_INLINE struct tally_part tally_part(const struct tally *t, uintptr_t c,
                                                  size_t size)
{
    uintptr_t from = c - t->low, end = from + size;
    struct tally_part p = {from >> t->page_log2, (end - 1) >> t->page_log2, size, 0};
    if (UNLIKELY(p.first != p.last)) {
        p.in_last = end - (p.last << t->page_log2);
        p.in_first = ((p.first + 1) << t->page_log2) - from;
    }
    return p;
}

/* A chunk of a bin, which the tally holds: what it has of pages that it shares. */
static inline struct tally_part tally_add_ends(struct tally *t, uintptr_t c,
                                               size_t size)
{
    struct tally_part p = tally_part(t, c, size);
    tally_page_add(t, p.first, p.in_first);
    if (p.first != p.last)
        tally_page_add(t, p.last, p.in_last);
    return p;
}

static ALWAYS_INLINE void tally_add(struct tally *t, uintptr_t c, size_t size)
{
    if (UNLIKELY(!tally_holds(t, c, size))) {
        t->stale = true;
        t->pages++;
        return;
    }
    struct tally_part p = tally_add_ends(t, c, size);
    for (size_t i = p.first + 1; i < p.last; i++)
        tally_page_add(t, i, (size_t)1 << t->page_log2);
}

static inline void tally_remove(struct tally *t, uintptr_t c, size_t size)
{
    if (UNLIKELY(!tally_holds(t, c, size)))
        return;
    struct tally_part p = tally_part(t, c, size);
    tally_page_remove(t, p.first, p.in_first);
    if (p.first != p.last)
        tally_page_remove(t, p.last, p.in_last);
    for (size_t i = p.first + 1; i < p.last; i++)
        tally_page_remove(t, i, (size_t)1 << t->page_log2);
}

/* Whether a chunk belongs to a page from `from` on that is wholly idle, or lies right before
 * one, where the header and the links of the free chunk will be; or it is not known. */
static ALWAYS_INLINE bool tally_is_idle(const struct tally *t, uintptr_t c, size_t size,
                                        uintptr_t from)
{
    uintptr_t end = c + size + sizeof(struct chunk);
    if (UNLIKELY(!tally_holds(t, c, end - c)))
        return true;
    size_t first = (max_size(c, from) - t->low) >> t->page_log2;
    size_t last = (max_size(end - 1, from) - t->low) >> t->page_log2;
    bool idle = (t->idle[first] >= t->enough) | (t->idle[last] >= t->enough);
    if (UNLIKELY(last - first > 1))
        idle |= t->idle[first + 1] >= t->enough;
    return idle & (end > from);
}

#endif
