/*
 * How much memory Chunky may take from the system: heaps as far as they are committed,
 * mapped blocks, metadata. Counted exactly; beyond the hard limit requests are refused.
 * And when some of it that is kept for a while is to go.
 * What gives back first is the front's business. Notes: docs/notes/limits.md
 */
#ifndef CHUNKY_CORE_LIMIT_H
#define CHUNKY_CORE_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit {
    _Atomic size_t used; /* bytes taken from the system and not given back */
    _Atomic size_t peak; /* most of them at a time */
    _Atomic size_t hard; /* most that is allowed; 0: no limit */
    _Atomic size_t soft; /* beyond this, free memory goes back first; 0: no limit */
    _Atomic uint64_t refused;    /* requests that the hard limit refused */
    _Atomic uint64_t relieved;   /* times that memory was given back for the soft one */
    _Atomic uint64_t kept_until; /* clock, ms: then the first of what is kept is to go;
                                    0: nothing is */
};

extern struct limit limits;

/* Counts `bytes` that are about to be taken; false and ENOMEM beyond the hard limit. */
bool limit_charge(size_t bytes);
/* Counts what was taken without asking. */
void limit_add(size_t bytes);
/* What was counted is given back, or was not to be had. */
void limit_release(size_t bytes);
/* Whether more is taken than ever before, with `more` that is about to be. */
static inline bool limit_is_peak(size_t more)
{
    size_t peak = atomic_load_explicit(&limits.peak, memory_order_relaxed);
    return atomic_load_explicit(&limits.used, memory_order_relaxed) + more >= peak;
}
/* Free memory is kept until then, since it was used again soon after it had gone. */
void limit_note_kept(uint64_t until);

#endif
