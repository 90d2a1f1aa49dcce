/*
 * CHUNKY_CONF="name=value,name=value": the table of options, and the thresholds that
 * they set. Notes: docs/notes/options.md
 */
#ifndef CHUNKY_FRONT_OPTIONS_H
#define CHUNKY_FRONT_OPTIONS_H

#include "audit/control.h"
#include "core/tune.h"

#include <stdbool.h>

/* Thresholds in force. */
extern struct tune tune;

/* Printing at exit was asked for (stats=1). */
extern unsigned options_stats;
/* dlopen leaves RTLD_DEEPBIND alone (deepbind=1). */
extern unsigned options_deepbind;

/* Sets the defaults; then reads the environment, once it exists. An unknown name or a
 * malformed value costs one line on stderr, and the program runs. */
void options_init(void);

/* Sets an option of the running process, if that is one that may change. `origin`, here and
 * below, is where the value comes from, as `chunky ctl` shows it. */
enum control_status options_change(const char *name, size_t value, const char *origin);
/* Notes that mallopt changed the option whose value is at `where`. */
void options_note(const void *where, const char *origin);

#endif
