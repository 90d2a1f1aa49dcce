/*
 * The audit build looks at itself. Not part of the tool. State: how many exits to skip.
 */
#include "audit/audit.h"

#include "audit/root.h"
#include "base/check.h"

#if CHUNKY_AUDIT

enum { AUDIT_CHUNKS = 64 /* chunks looked at per exit, on average */ };

static void audit_fail(struct audit *u, const struct audit_finding *f)
{
    (void)u;
    fail(f->rule,
         f->chunk == 0 ? NULL : (const void *)(uintptr_t)(f->chunk + CHUNK_HEADER));
}

void audit_inside(const struct arena *a)
{
    static _Atomic int64_t credit;
    struct reader own;
    struct walk w;
    struct audit u = {.walk = &w, .report = audit_fail, .most = 1};
    if (atomic_fetch_add_explicit(&credit, AUDIT_CHUNKS, memory_order_relaxed) < 0)
        return;
    reader_own(&own);
    if (walk_open(&w, &own, (uintptr_t)&chunky_root) != WALK_OK)
        fail("internal: chunky_root describes no heap", NULL);
    audit_arena(&u, (uintptr_t)a);
    atomic_fetch_sub_explicit(&credit, (int64_t)u.chunks, memory_order_relaxed);
}

#endif
