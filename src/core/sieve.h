/*
 * Idle chunks of a depot are worth giving back where they fill whole pages; the others would
 * lie in bins as they lie here, for more work. State: the arena's whose lock is held.
 * Notes: docs/notes/arenas.md#sieve
 */
#ifndef CHUNKY_CORE_SIEVE_H
#define CHUNKY_CORE_SIEVE_H

#include "core/arena.h"

/* Counts what came into the depot since the last time. False if it cannot be told. */
bool sieve_count(struct arena *a);
/* Takes the chunks in wholly idle pages out of the depot, until at most `keep` bytes of such
 * pages stay. A chain of magazines of any classes, or NULL. */
struct magazine *sieve_take(struct arena *a, size_t keep);

#endif
