/*
 * One arena of `chunky check`: the chunks in order of address, then, where a reader can
 * gather, the bins, both by two threads; most links are known from the chunks.
 */
#ifndef TOOL_CHECK_H
#define TOOL_CHECK_H

#include "links.h"
#include "scan.h"

#include "audit/audit.h"

struct findings {
    struct audit_finding *f;
    size_t count;
    size_t room;
};

void check_push(struct findings *to, const struct audit_finding *f);
/* Reports into u->context, a struct findings. */
void check_collect(struct audit *u, const struct audit_finding *f);
void check_arena(struct audit *u, struct scan *s, uint64_t address);
/* audit_arena_chunks, with another thread for half of a large arena. Opens `links` and
 * notes what it sees there; NULL: none. */
bool check_chunks(struct audit *u, struct scan *s, uint64_t arena, struct links *links);

#endif
