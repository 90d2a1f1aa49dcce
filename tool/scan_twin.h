/*
 * A scan by two threads: each reads and walks one half of the heaps by itself, for a piece
 * that one reads and the other walks travels between the caches of two processors.
 */
#ifndef TOOL_SCAN_TWIN_H
#define TOOL_SCAN_TWIN_H

#include "scan.h"

struct scan_twin;

/* NULL if that is not worth while, or the source has one reader only. */
struct scan_twin *twin_open(struct scan *s);
/* What the second half is scanned with; its heaps have the numbers of the first's. */
struct scan *twin_scan(struct scan_twin *t);
/* Where it begins: heaps before this one belong to the first half, and *at divides it.
 * What looked like chunks there may lie inside of one: what the second half says is void
 * if scan_part up to *at did not end there. */
size_t twin_heap(const struct scan_twin *t, uint64_t *at);
/* Scans the second half in a thread. */
void twin_start(struct scan_twin *t, scan_visit *visit, void *context);
/* Waits for it; what it found damaged is damaged for both. */
void twin_join(struct scan_twin *t);
/* Waits for it; what it found is void. */
void twin_stop(struct scan_twin *t);
void twin_close(struct scan_twin *t);

#endif
