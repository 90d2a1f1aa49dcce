/*
 * The process's figures as OpenMetrics text in a file, replaced whole each time:
 * CHUNKY_METRICS=PATH (%p is the process's number), at the end, on demand, and every
 * metrics_every seconds by whoever then passes a slow path. Notes: docs/notes/control.md
 */
#ifndef CHUNKY_FRONT_METRICS_H
#define CHUNKY_FRONT_METRICS_H

#include <stddef.h>

/* Option: seconds between two writings; 0: only at the end and on demand. */
extern _Atomic size_t metrics_every;

/* Reads CHUNKY_METRICS; without it the interval counts as 0. */
void metrics_init(void);
/* Writes if it is due. */
void metrics_poll(void);
/* Writes now: the bytes of the file, 0 when there is no path or it cannot be written. */
size_t metrics_write(void);

#endif
