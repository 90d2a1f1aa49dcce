/*
 * Sums over one scan: bytes and resident bytes by kind and arena, largest free run,
 * histogram of free runs; and the kernel's own figures to compare with.
 */
#ifndef TOOL_SURVEY_H
#define TOOL_SURVEY_H

#include "scan.h"

enum { RUN_BUCKETS = 40 };

struct tally {
    uint64_t count, size, resident;
};

struct survey_arena {
    struct tally kind[KINDS];
    uint64_t requested; /* of live chunks, as far as recorded; else usable bytes */
    uint64_t recorded;  /* live chunks that record what was asked */
    uint64_t usable;    /* of live chunks */
    /* Resident of live chunks, the rest of which is slack: */
    uint64_t headers_resident, requested_resident;
    uint64_t heap_bytes;
    uint64_t heap_resident;
    uint64_t largest_free; /* largest chunk in a bin */
    uint64_t largest_run;  /* the same, or a top: as frag counts */
    uint64_t head;         /* bytes before first chunks, resident */
};

struct survey {
    struct scan *scan;
    struct survey_arena *arena; /* as scan.arenas */
    struct survey_arena all;    /* their sum, and the mapped chunks */
    uint64_t run[RUN_BUCKETS];  /* free runs by log2 of size: how many */
    uint64_t run_size[RUN_BUCKETS];
    uint64_t meta_size, meta_resident;
    uint64_t spare_resident;
    uint64_t lead,
        lead_resident; /* before aligned mapped blocks, up to their headers */
    uint64_t
        guarded_asked; /* of blocks between guard pages; their tally counts pages */
    /* From the kernel; all 0 when they are not known. */
    bool has_kernel;
    uint64_t kernel_resident;  /* of the mappings that hold anything of ours */
    uint64_t foreign_resident; /* of it, what is not ours */
    uint64_t process_resident;
    bool wants_resident;
};

/* Scans everything. `requests` and `resident` cost a read more per chunk and page. */
void survey_take(struct survey *v, struct scan *s, bool requests, bool resident);
/* Compares with /proc/PID/smaps; nothing happens for other sources. */
void survey_kernel(struct survey *v);
void survey_free(struct survey *v);
/* All regions that are Chunky's, by address. The caller frees them. */
struct region *survey_ours(const struct scan *s, size_t *count);

static inline uint64_t survey_size(const struct survey_arena *a, enum kind from,
                                   enum kind to)
{
    uint64_t sum = 0;
    for (unsigned k = from; k <= to; k++)
        sum += a->kind[k].size;
    return sum;
}

static inline uint64_t survey_resident(const struct survey_arena *a, enum kind from,
                                       enum kind to)
{
    uint64_t sum = 0;
    for (unsigned k = from; k <= to; k++)
        sum += a->kind[k].resident;
    return sum;
}

/* Resident bytes of live chunks, in three parts. What was asked for is not recorded: all
 * but the headers counts as asked for. */
static inline uint64_t survey_live_resident(const struct survey_arena *a)
{
    return a->kind[KIND_LIVE].resident + a->kind[KIND_MAPPED].resident;
}

static inline uint64_t survey_headers_resident(const struct survey_arena *a)
{
    uint64_t all = survey_live_resident(a);
    return a->headers_resident < all ? a->headers_resident : all;
}

static inline uint64_t survey_slack_resident(const struct survey_arena *a)
{
    uint64_t rest = survey_live_resident(a) - survey_headers_resident(a);
    bool none = a->recorded == 0 || rest < a->requested_resident;
    return none ? 0 : rest - a->requested_resident;
}

static inline uint64_t survey_requested_resident(const struct survey_arena *a)
{
    return survey_live_resident(a) - survey_headers_resident(a) -
           survey_slack_resident(a);
}

/* False of a core: it does not say what was resident, and every page counts as if it was. */
static inline bool survey_knows_resident(const struct survey *v)
{
    return v->scan->source->run != NULL;
}

/* Resident bytes of all that is ours. */
static inline uint64_t survey_all_resident(const struct survey *v)
{
    return survey_resident(&v->all, 0, KIND_BARRED) + v->meta_resident + v->all.head +
           v->spare_resident + v->lead_resident;
}

#endif
