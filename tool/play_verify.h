/* The audit's opinion of the heap that was just drawn. */
#ifndef TOOL_PLAY_VERIFY_H
#define TOOL_PLAY_VERIFY_H

#include "play_run.h"

#include <stdio.h>

/* Audits the process and compares its sums with what is drawn; a line on `out` for each
 * thing that is wrong, none if all is well. */
void play_verify(FILE *out, const struct play_run *r);

#endif
