/*
 * How signals were treated when this program was started: what it starts gets them so.
 */
#ifndef TOOL_SIGNALS_H
#define TOOL_SIGNALS_H

#include <stddef.h>

/* Remembers it. From here on a closed pipe ends the output, quietly, and children are
 * waited for. */
void signals_open(void);
/* Treats all of them as they were; in a child, before exec. */
void signals_restore(void);
/* These only. */
void signals_restore_some(const int *which, size_t count);

/* Until signals_finished(): who is ended by a signal removes this file, which is half
 * written. What is no regular file, and files after the first, are left alone. */
void signals_unfinished(const char *path);
void signals_finished(void);

#endif
