/*
 * Thresholds that the front fills (defaults, CHUNKY_CONF, mallopt) and the core reads.
 * Plain words, read without a lock: a change takes effect at the next decision.
 */
#ifndef CHUNKY_CORE_TUNE_H
#define CHUNKY_CORE_TUNE_H

#include <stddef.h>
#include <stdint.h>

struct tune {
    _Atomic size_t
        cache_bytes; /* free bytes that one thread's cache may hold; 0: no caches */
    _Atomic size_t
        cache_total; /* the same for all threads together, shared out among them */
    _Atomic size_t depot_bytes; /* least limit of an arena's depot, bytes of chunks */
    _Atomic size_t fast_max;   /* largest chunk size that goes to a fast bin; 0: none */
    _Atomic size_t fast_bytes; /* fast bins are consolidated beyond this many bytes */
    _Atomic size_t mmap_threshold;     /* requests from here on are mapped, bytes */
    _Atomic size_t mmap_threshold_max; /* the threshold rises by itself up to this */
    _Atomic size_t mmap_max;           /* most directly mapped chunks at a time */
    _Atomic size_t trim_threshold;     /* unused top beyond this goes back, bytes */
    _Atomic size_t top_pad;            /* extra bytes asked for whenever a heap grows */
    _Atomic size_t purge_base; /* free resident bytes always allowed, whole process */
    _Atomic size_t purge_percent; /* and this share of what is live on top */
    _Atomic size_t
        purge_hold_ms; /* how long purged memory that was touched again is kept */
    _Atomic unsigned at_once;  /* 1: many ranges in one call, where threads are */
    _Atomic size_t arena_max;  /* most arenas; 0: from usable CPUs */
    _Atomic size_t arena_test; /* arenas made before the limit is looked at */
    _Atomic unsigned check;    /* safety level, 0 to 3 */
    _Atomic size_t quarantine; /* level 2: bytes of freed blocks that rest */
    _Atomic size_t guard_rate; /* level 3: every n-th block is guarded; 0: sampled */
    _Atomic unsigned request;  /* 1: record requested bytes (seeable mode) */
    _Atomic unsigned perturb;  /* mallopt M_PERTURB byte, 0: off */
    _Atomic unsigned dynamic;  /* 1: mmap_threshold moves by itself */
    _Atomic unsigned sbrk;     /* 1: the main arena grows by sbrk, not by spans alone */
    _Atomic unsigned trim_set; /* 1: trim_threshold was set, kept to the letter */
    const void *control;       /* struct control of audit/control.h, for the outside */
};

#endif
