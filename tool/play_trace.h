/*
 * Traces: what a real program asked of its allocator, as text, one operation a line. The
 * first line says what it is, the last one how many there are.
 *   chunky play trace 1
 *   # what, when, how much of it
 *   THREAD malloc BYTES = BLOCK          THREAD calloc COUNT BYTES = BLOCK
 *   THREAD memalign ALIGN BYTES = BLOCK  THREAD realloc BLOCK BYTES = BLOCK
 *   THREAD free BLOCK                    end OPERATIONS
 * Threads and blocks are counted from 1 in the order in which they appear.
 */
#ifndef TOOL_PLAY_TRACE_H
#define TOOL_PLAY_TRACE_H

#include "play_script.h"
#include "record/record_log.h"

#include <stdio.h>

struct trace_sums {
    uint64_t operations, left_out; /* left out: free of what is not known */
    uint64_t blocks;
};

/* Writes what a log holds, under a line that tells about it. */
struct trace_sums trace_write(FILE *out, const struct record_log *log,
                              const char *about);

/* True if the text begins as a trace does. */
bool trace_is(const char *text);
/* The same as play_parse, of a trace: block 7 becomes the variable b7. */
bool trace_parse(struct play_script *s, const char *text, struct play_error *error);

#endif
