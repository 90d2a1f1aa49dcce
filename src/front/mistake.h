/*
 * Which mistake it was that a pointer to no live block was handed in: the rule of the
 * finding. No state.
 */
#ifndef CHUNKY_FRONT_MISTAKE_H
#define CHUNKY_FRONT_MISTAKE_H

#include "front/locate.h"

/* `l` says where mem lies. */
const char *mistake_name(uintptr_t mem, const struct located *l);

#endif
