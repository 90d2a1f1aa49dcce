/* One sentence of why, put together from the rules that the engine says it took. */
#ifndef TOOL_PLAY_WHY_H
#define TOOL_PLAY_WHY_H

#include "play_run.h"

/* Sentence for the run's last step. Each rule of the trace has its own clause. To be
 * freed. */
char *why_sentence(const struct play_run *r);
/* Name of a rule, for --rules: the same word as in the engine. */
const char *why_rule_name(uint32_t rule);
/* A memory call, as "brk +0x21000". Returns text. */
const char *why_call(const struct play_heap *h, const struct play_call *c, char *text,
                     size_t room);

#endif
