/*
 * Three kinds of check. GUARD: always on, a bug of the program. ASSERT: our own bug,
 * debug builds. AUDIT (audit/audit.h): a walk over the whole structure, audit build.
 * Notes: docs/notes/invariants.md
 */
#ifndef CHUNKY_BASE_CHECK_H
#define CHUNKY_BASE_CHECK_H

#include "base/compiler.h"

#ifndef CHUNKY_DEBUG
#define CHUNKY_DEBUG 0
#endif
#ifndef CHUNKY_AUDIT
#define CHUNKY_AUDIT 0
#endif

/* Prints one report about the block at `mem` (NULL: none) and aborts. `rule` is a short
 * greppable sentence. Defined by the layer that knows the heap (front/report.c), or by
 * a unit test. */
_Noreturn void fail(const char *rule, const void *mem);

#define GUARD(condition, rule, mem)                                                    \
    do {                                                                               \
        if (UNLIKELY(!(condition)))                                                    \
            fail((rule), (mem));                                                       \
    } while (0)

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

/* Audit build: walks every arena; no lock may be held. Defined in front/audited.c. */
#if CHUNKY_AUDIT
void audit_at_exit(void);
#define AUDIT_ALL() audit_at_exit()
#else
#define AUDIT_ALL() ((void)0)
#endif

#if CHUNKY_DEBUG
#define ASSERT(condition)                                                              \
    do {                                                                               \
        if (UNLIKELY(!(condition)))                                                    \
            fail("internal: " #condition " " __FILE__ ":" STRINGIFY(__LINE__), 0);     \
    } while (0)
#else
#define ASSERT(condition) ((void)0)
#endif

#endif
