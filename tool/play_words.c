/* Names of rules and system calls; see play_why.h. No state. */
#include "play_why.h"

#include "core/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

const char *why_rule_name(uint32_t rule)
{
    static const char *const names[TRACE_RULES] = {
        [TRACE_NONE] = "none",
        [TRACE_WANT] = "want",
        [TRACE_FAST_HIT] = "fast_hit",
        [TRACE_SMALL_HIT] = "small_hit",
        [TRACE_SORT] = "sort",
        [TRACE_UNSORTED_HIT] = "unsorted_hit",
        [TRACE_FIT] = "fit",
        [TRACE_SPLIT] = "split",
        [TRACE_WHOLE] = "whole",
        [TRACE_TOP_CUT] = "top_cut",
        [TRACE_TOP_SMALL] = "top_small",
        [TRACE_CONSOLIDATE] = "consolidate",
        [TRACE_HEAP_GROW] = "heap_grow",
        [TRACE_HEAP_NEW] = "heap_new",
        [TRACE_HEAP_GIVE] = "heap_give",
        [TRACE_FAST_PUT] = "fast_put",
        [TRACE_MERGE_BEFORE] = "merge_before",
        [TRACE_MERGE_BEHIND] = "merge_behind",
        [TRACE_MERGE_TOP] = "merge_top",
        [TRACE_UNSORTED_PUT] = "unsorted_put",
        [TRACE_CARVE] = "carve",
        [TRACE_CACHE_HIT] = "cache_hit",
        [TRACE_CACHE_FILL] = "cache_fill",
        [TRACE_DEPOT_HIT] = "depot_hit",
        [TRACE_CACHE_PUT] = "cache_put",
        [TRACE_CACHE_WIDEN] = "cache_widen",
        [TRACE_CACHE_FLUSH] = "cache_flush",
        [TRACE_MAP] = "map",
        [TRACE_MAP_REUSE] = "map_reuse",
        [TRACE_MAP_KEEP] = "map_keep",
        [TRACE_UNMAP] = "unmap",
        [TRACE_MAP_RESIZE] = "map_resize",
        [TRACE_TRIM] = "trim",
        [TRACE_PURGE] = "purge",
        [TRACE_FITS] = "fits",
        [TRACE_SHRINK] = "shrink",
        [TRACE_EXTEND] = "extend",
        [TRACE_MOVE] = "move",
    };
    return rule < TRACE_RULES && names[rule] != NULL ? names[rule] : "unknown";
}

static const char *why_advice(uint64_t advice)
{
    return advice == MADV_DONTNEED         ? "DONTNEED"
           : advice == MADV_HUGEPAGE       ? "HUGEPAGE"
           : advice == MADV_POPULATE_WRITE ? "POPULATE_WRITE"
                                           : "advice";
}

/* In this mapping are the engine's own records, between pages that nobody can touch. */
static bool why_is_meta(const struct play_heap *h, uint64_t start, uint64_t size)
{
    for (size_t i = 0; i < h->metas; i++)
        if (h->meta[i] - start < size)
            return true;
    return false;
}

const char *why_call(const struct play_heap *h, const struct play_call *c, char *text,
                     size_t room)
{
    const uint64_t *a = c->argument;
    bool failed = c->result > (uint64_t)-4096;
    const char *end = failed ? " failed" : "";
    if (c->number == SYS_brk)
        snprintf(text, room, "brk %s%#" PRIx64, c->moved < 0 ? "-" : "+",
                 (uint64_t)(c->moved < 0 ? -c->moved : c->moved));
    else if (c->number == SYS_mmap)
        snprintf(text, room, "mmap %#" PRIx64 "%s%s", a[1],
                 why_is_meta(h, c->result, a[1]) ? " (for the engine's own records)"
                 : (a[2] & PROT_WRITE) == 0      ? " (reserved only)"
                                                 : "",
                 end);
    else if (c->number == SYS_munmap)
        snprintf(text, room, "munmap %#" PRIx64 "%s", a[1], end);
    else if (c->number == SYS_mremap)
        snprintf(text, room, "mremap %#" PRIx64 " -> %#" PRIx64 "%s", a[1], a[2], end);
    else if (c->number == SYS_mprotect)
        snprintf(text, room, "mprotect %#" PRIx64 "%s%s", a[1],
                 (a[2] & PROT_WRITE) != 0 ? " writable" : " off", end);
    else
        snprintf(text, room, "madvise %#" PRIx64 " %s%s", a[1], why_advice(a[2]), end);
    return text;
}
