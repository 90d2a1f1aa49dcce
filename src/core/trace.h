/*
 * Which rules the engine took: a ring of codes that a tool switches on in a process of
 * its own (`chunky play`) and reads from outside. Off, a call costs a load and a branch;
 * there is none on the hit paths. State: the ring. Written by any thread.
 */
#ifndef CHUNKY_CORE_TRACE_H
#define CHUNKY_CORE_TRACE_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What happened; behind each, its value. Numbers are never reused. */
enum trace_rule {
    TRACE_NONE,
    TRACE_WANT,         /* size that the arena is asked for */
    TRACE_FAST_HIT,     /* size: newest of its fast bin */
    TRACE_SMALL_HIT,    /* size: oldest of its small bin */
    TRACE_SORT,         /* size of an unsorted chunk that goes to its bin */
    TRACE_UNSORTED_HIT, /* size: an unsorted chunk fits exactly */
    TRACE_FIT,          /* size of the smallest binned chunk that is large enough */
    TRACE_SPLIT,        /* size of the rest that goes to the unsorted bin */
    TRACE_WHOLE,        /* size: the rest would be smaller than any chunk */
    TRACE_TOP_CUT,      /* size cut off the top */
    TRACE_TOP_SMALL,    /* size of the top, which is not enough */
    TRACE_CONSOLIDATE,  /* bytes in fast bins, now merged */
    TRACE_HEAP_GROW,    /* bytes by which the top's heap grew */
    TRACE_HEAP_NEW,     /* bytes of a new heap */
    TRACE_HEAP_GIVE,    /* bytes of a whole free heap, given away */
    TRACE_FAST_PUT,     /* size parked in its fast bin, unmerged */
    TRACE_MERGE_BEFORE, /* size of the free chunk before */
    TRACE_MERGE_BEHIND, /* size of the free chunk behind */
    TRACE_MERGE_TOP,    /* size that becomes part of the top */
    TRACE_UNSORTED_PUT, /* size that goes to the unsorted bin */
    TRACE_CARVE,        /* chunks cut out of one run for a cache */
    TRACE_CACHE_HIT,    /* size popped from the thread's cache */
    TRACE_CACHE_FILL,   /* chunks that the cache took from the arena */
    TRACE_DEPOT_HIT,    /* chunks that the cache took from the depot */
    TRACE_CACHE_PUT,    /* size pushed to the thread's cache */
    TRACE_CACHE_WIDEN,  /* chunks that the class may hold from now on */
    TRACE_CACHE_FLUSH,  /* chunks that left the cache */
    /* One number here was never written. */
    TRACE_MAP = TRACE_CACHE_FLUSH + 2, /* bytes of a new mapping of its own */
    TRACE_MAP_REUSE,                   /* bytes of a kept mapping that is used again */
    TRACE_MAP_KEEP,   /* bytes of a freed mapping that stays for a while */
    TRACE_UNMAP,      /* bytes unmapped */
    TRACE_MAP_RESIZE, /* bytes after mremap */
    TRACE_TRIM,       /* bytes of the top given back */
    TRACE_PURGE,      /* bytes of free pages given back */
    TRACE_FITS,       /* size of a block that realloc leaves as it is */
    TRACE_SHRINK,     /* size that realloc cuts off a block's end */
    TRACE_EXTEND,     /* size that realloc takes from what lies behind */
    TRACE_MOVE,       /* bytes that realloc copies */
    TRACE_RULES
};

enum { TRACE_ROOM = 4096 };

struct trace_entry {
    uint32_t rule; /* enum trace_rule */
    uint32_t unused;
    uint64_t value;
};

struct trace {
    _Atomic uint32_t on;   /* written by the tool */
    _Atomic uint32_t next; /* entries written so far; the ring holds the last ones */
    struct trace_entry ring[TRACE_ROOM];
};

extern struct trace trace_ring;
/* The exported name of the ring. */
extern PUBLIC struct trace *const chunky_trace;

COLD void trace_write(enum trace_rule rule, uint64_t value);

static inline void trace(enum trace_rule rule, uint64_t value)
{
    if (UNLIKELY(atomic_load_explicit(&trace_ring.on, memory_order_relaxed) != 0))
        trace_write(rule, value);
}

#endif
