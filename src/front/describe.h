/*
 * A finding's address, blocks, bytes and stacks, as text. Reads what may be damaged or
 * not there; allocates nothing, safe in a signal handler. No state.
 */
#ifndef CHUNKY_FRONT_DESCRIBE_H
#define CHUNKY_FRONT_DESCRIBE_H

#include "base/say.h"
#include "front/frames.h"
#include "front/guard.h"
#include "front/locate.h"
#include "front/report.h"

/* `address` in terms of its block, the block and its neighbours, and the bytes there. */
void describe_place(struct text *t, const struct finding *f, uintptr_t address,
                    const struct located *l);
/* The same for a guarded block, f->guard. */
void describe_guarded(struct text *t, const struct finding *f);
/* A stack, if it is known. */
void describe_frames(struct text *t, const char *title, const struct frames *f);

#endif
