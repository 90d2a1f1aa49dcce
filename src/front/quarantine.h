/*
 * Level 2: freed blocks rest before they are used again, zeroed; whoever writes to them
 * is found when they leave. Bounded by bytes; which one leaves is partly chance. One
 * lock, rank QUARANTINE. Notes: docs/notes/checks.md#quarantine
 */
#ifndef CHUNKY_FRONT_QUARANTINE_H
#define CHUNKY_FRONT_QUARANTINE_H

#include "core/chunk.h"

/* Takes a verified live block that is not mapped; frees others that leave in turn. */
void quarantine_give(struct chunk *c);

/* Looks at all that rest: a write after free is a finding. */
void quarantine_verify(void);
/* Whether this block rests here; takes no lock, for reports. */
bool quarantine_holds(const void *mem);

/* Fork. */
void quarantine_lock(void);
void quarantine_unlock(void);

#endif
