/*
 * The control block: the options in force with their origins, for readers outside, and a
 * slot in which a process that the kernel lets write into this one asks for a change. The
 * library looks at the slot whenever it passes a slow path. Notes: docs/notes/control.md
 */
#ifndef CHUNKY_AUDIT_CONTROL_H
#define CHUNKY_AUDIT_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>

#define CONTROL_MAGIC "chunkyct" /* 8 bytes, no NUL */

enum {
    CONTROL_VERSION = 1,
    CONTROL_NAME = 24,
    CONTROL_ORIGIN = 16,
    CONTROL_OPTIONS = 48 /* room */
};

enum control_status {
    CONTROL_DONE,
    CONTROL_UNKNOWN, /* no option or action of this name */
    CONTROL_RANGE,   /* the value is too large */
    CONTROL_FIXED    /* cannot change while the process runs */
};

struct control_option {
    char name[CONTROL_NAME];
    char origin[CONTROL_ORIGIN]; /* "default", "beside" (another malloc), "CHUNKY_CONF",
                                  * "mallopt", "chunky ctl" */
    const void *where;           /* of the value, `width` bytes */
    uint64_t max;                /* largest value */
    uint32_t width;   /* 4 or 8; 1: a path, which is set if it is not empty */
    uint32_t is_live; /* may change while the process runs */
};

/* Addresses are those of the process. The slot: name and value first, then `request`;
 * once `done` equals it, status and result are the answer. */
struct control {
    char magic[8];
    uint32_t version;
    uint32_t count; /* options */
    char name[CONTROL_NAME];
    uint64_t value;
    _Atomic uint32_t request; /* changed by who asks */
    _Atomic uint32_t done;    /* the last one served */
    uint32_t status;          /* enum control_status */
    uint32_t unused;
    uint64_t result; /* of actions: bytes given back */
    struct control_option option[CONTROL_OPTIONS];
};

#endif
