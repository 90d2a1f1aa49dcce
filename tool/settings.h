/*
 * The options in force in a process, as its control block tells them (audit/control.h).
 */
#ifndef TOOL_SETTINGS_H
#define TOOL_SETTINGS_H

#include "audit/control.h"
#include "scan.h"

struct settings {
    uint64_t
        at; /* of the control block in the process; 0: there is none that is known */
    struct control block; /* its texts end */
};

/* False: there is none. */
bool settings_read(struct settings *t, struct scan *s);
/* The value of an option, 0 if it cannot be read; of a path 1 if there is one. */
uint64_t settings_value(const struct settings *t, struct scan *s, unsigned i);

#endif
