/* A run as data and as a page of one file that one steps through with keys. */
#ifndef TOOL_PLAY_HTML_H
#define TOOL_PLAY_HTML_H

#include "play_run.h"

#include <stdio.h>

struct html_style {
    enum play_mode mode;
    const char *title;
    unsigned to;       /* last step that is told, 0: of the script */
    bool all;          /* nothing is folded */
    unsigned left_out; /* set: steps that would have made the page too large */
};

/* The rest of a run as a JSON object: title, mode, steps. */
void html_json(FILE *out, struct play_run *r, struct html_style *style);
/* The page with that run in it. */
void html_write(FILE *out, struct play_run *r, struct html_style *style);

#endif
