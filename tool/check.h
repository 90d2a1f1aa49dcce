/*
 * One arena of `chunky check`: the chunks in order of address, then, where a reader can
 * gather, the bins by two threads, which know most links from that pass.
 */
#ifndef TOOL_CHECK_H
#define TOOL_CHECK_H

#include "source.h"

#include "audit/audit.h"

struct findings {
    struct audit_finding *f;
    size_t count;
    size_t room;
};

void check_push(struct findings *to, const struct audit_finding *f);
/* Reports into u->context, a struct findings. */
void check_collect(struct audit *u, const struct audit_finding *f);
void check_arena(struct audit *u, struct source *source, uint64_t address);

#endif
