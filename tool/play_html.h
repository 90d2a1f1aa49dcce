/* A run as data and as a page of one file that one steps through with keys. */
#ifndef TOOL_PLAY_HTML_H
#define TOOL_PLAY_HTML_H

#include "play_run.h"

#include <stdio.h>

/* One run as a JSON object: title, mode, steps. The run has been started. */
void html_json(FILE *out, struct play_run *r, enum play_mode mode, const char *title);
/* The page with that run in it. */
void html_write(FILE *out, struct play_run *r, enum play_mode mode, const char *title);

/* Lines of the page, up to NULL. One of them holds RUNS_MARK. */
extern const char *const html_page[];
#define HTML_RUNS_MARK "/*RUNS*/[]"

#endif
