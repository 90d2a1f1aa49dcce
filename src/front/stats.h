/*
 * Sums over arenas, caches and mappings: mallinfo, malloc_info, malloc_stats.
 */
#ifndef CHUNKY_FRONT_STATS_H
#define CHUNKY_FRONT_STATS_H

/* Counters in one line, for benches: "chunky: lock_visits=N fills=N ...". */
void stats_print(int fd);

#endif
