/* The questions that malloc and free ask, in their order, with their answers. */
#ifndef TOOL_EXPLAIN_RULES_H
#define TOOL_EXPLAIN_RULES_H

#include "play_heap.h"

#include <stdio.h>

struct explain {
    FILE *out;
    const struct play_heap *heap;
    const char *thread; /* whose cache is asked */
    unsigned arena;     /* that the thread has */
    unsigned step;      /* questions so far */
    bool several;       /* a cache is filled: as many as it wants are taken */
};

void explain_malloc(struct explain *e, uint64_t bytes);
void explain_free(struct explain *e, uint64_t mem);

#endif
