/*
 * Chunky in one translation unit. Release builds compile this file; development and CI
 * also build file by file. First, bottom up, what runs in every program, then what is
 * asked for: the variables of each lie together, on fewer pages.
 */
#define CHUNKY_UNITY 1

#include "os/lock.c"
#include "os/os_vdso.c"
#include "os/os_linux.c"

#include "core/trace.c"
#include "core/class.c"
#include "core/limit.c"
#include "core/meta.c"
#include "core/heap.c"
#include "core/bin.c"
#include "core/depot.c"
#include "core/binned.c"
#include "core/top.c"
#include "core/arena_take.c"
#include "core/arena_give.c"
#include "core/purge.c"
#include "core/arena.c"
#include "core/mapped.c"

#include "front/options.c"
#include "front/cache_send.c"
#include "front/cache.c"
#include "front/thread.c"
#include "front/supply.c"
#include "front/upkeep.c"
#include "front/malloc.c"
#include "front/realloc.c"
#include "front/aligned.c"
#include "front/override.c"
#include "front/operators.c"
#include "front/deepbind.c"

/* What is asked for. */
#include "base/say.c"

#include "front/canary.c"
#include "front/objects.c"
#include "front/quarantine.c"
#include "front/guard.c"
#include "front/checked.c"
#include "front/checked_hits.c"
#include "front/checked_realloc.c"
#include "front/named.c"
#include "front/blocks.c"
#include "front/compat.c"
#include "front/metrics.c"
#include "front/stats.c"

#include "audit/root.c"
#include "audit/reader.c"
#include "audit/walk.c"
#include "audit/audit.c"
#include "audit/audit_bins.c"
#include "audit/audit_lists.c"
#include "audit/inside.c"

#include "front/mapping.c"
#include "front/cfi.c"
#include "front/unwind.c"
#include "front/frames.c"
#include "front/snapshot.c"
#include "front/locate.c"
#include "front/describe.c"
#include "front/mistake.c"
#include "front/report.c"
#include "front/fault.c"
#include "front/audited.c"
