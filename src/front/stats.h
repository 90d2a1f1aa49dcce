/*
 * Sums over arenas, caches and mappings: mallinfo, malloc_info, malloc_stats, metrics.
 */
#ifndef CHUNKY_FRONT_STATS_H
#define CHUNKY_FRONT_STATS_H

#include "core/arena.h"

struct stats {
    size_t heap;      /* bytes of heaps */
    size_t heap_peak; /* most bytes of heaps, each arena's own most */
    size_t top;       /* of it: top chunks */
    size_t main_top;  /* top of the main arena */
    size_t binned;    /* unsorted, small and large bins */
    size_t binned_count;
    size_t fast;
    size_t fast_count;
    size_t depot;  /* depots and remote lists */
    size_t cached; /* thread caches */
    size_t mapped, mapped_count, mapped_peak;
    struct arena_counts counts;
};

/* Everything, arena by arena, each locked meanwhile. */
void stats_sum(struct stats *s);
/* Bytes of heaps that are not in use. */
size_t stats_free(const struct stats *s);

/* Counters in one line, for benches: "chunky: lock_visits=N fills=N ...". */
void stats_print(int fd);

#endif
