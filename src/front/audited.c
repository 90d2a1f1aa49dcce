/*
 * The audit build's walk at every public exit; nothing in other builds. Locks each
 * arena for the walk. No state.
 */
#include "base/check.h"

#if CHUNKY_AUDIT

#include "audit/audit.h"
#include "front/thread.h"

void audit_at_exit(void)
{
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a)) {
        /* Held already: a signal came amid a change, and its handler forked. */
        if (lock_is_mine(&a->lock))
            continue;
        arena_lock(a);
        AUDIT(a);
        arena_unlock(a);
    }
}

#endif
