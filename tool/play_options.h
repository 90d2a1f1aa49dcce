/* What was asked of `chunky play`. */
#ifndef TOOL_PLAY_OPTIONS_H
#define TOOL_PLAY_OPTIONS_H

#include "play_record.h"
#include "play_text.h"

struct play_options {
    struct text_style style;
    enum play_mode mode[2];
    bool compare, json, page, step, record, time;
    bool chosen;       /* a mode was */
    bool wraps;        /* for a terminal, or a width was given: no line is wider */
    unsigned from, to; /* steps that are drawn; to: 0 for all */
    const char *file, *html, *title;
    struct record_options recording;
    const char *script; /* or the name of a trace; NULL: none */
};

/* False if there is nothing to run: *status is then the exit status. */
bool play_options_parse(struct play_options *o, int argc, char **argv, int *status);

#endif
