/*
 * What a slow path does by the way, since Chunky has no thread of its own: serves a
 * request from outside, gives memory back beyond the soft limit, writes metrics when
 * they are due. Notes: docs/notes/control.md
 */
#ifndef CHUNKY_FRONT_UPKEEP_H
#define CHUNKY_FRONT_UPKEEP_H

#include "audit/control.h"
#include "base/compiler.h"
#include "core/limit.h"
#include "front/metrics.h"

#include <stdbool.h>

extern struct control control;

/* No lock is held; may lock, print, and give this thread's cache back. Keeps errno. */
void upkeep_now(void);
/* In the child of a fork: whoever was at it is not there any more. */
void upkeep_forked(void);

static inline bool upkeep_is_due(void)
{
    size_t soft = atomic_load_explicit(&limits.soft, memory_order_relaxed);
    return atomic_load_explicit(&control.request, memory_order_relaxed) !=
               atomic_load_explicit(&control.done, memory_order_relaxed) ||
           (soft != 0 &&
            atomic_load_explicit(&limits.used, memory_order_relaxed) > soft) ||
           metrics_every != 0;
}

static inline void upkeep(void)
{
    if (UNLIKELY(upkeep_is_due()))
        upkeep_now();
}

#endif
