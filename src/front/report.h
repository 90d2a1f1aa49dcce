/*
 * What is printed before abort: one report, whole, however many threads fail. No
 * allocation, safe in a signal handler. State: the lock of the one who reports, and the
 * buffer. Notes: docs/notes/checks.md#report
 */
#ifndef CHUNKY_FRONT_REPORT_H
#define CHUNKY_FRONT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard;

enum { REPORT_EXPECTED = 48, REPORT_PATH = 512, REPORT_RELAY = 64 };

/* Option `report`: where findings go as well, or "". */
extern char report_path[REPORT_PATH];
/* Option `relay`: a pipe whose reader prints findings, or "". */
extern char report_relay[REPORT_RELAY];

/* Option `go_on`: findings that are told and gone on after, of those that can be. */
extern _Atomic unsigned report_go_on;

struct finding {
    const char *rule;   /* a short greppable sentence */
    const char *verb;   /* the call that found it, or NULL */
    const void *mem;    /* the block, or the pointer that was handed in; NULL: none */
    ptrdiff_t offset;   /* from mem to the access; 0 when there is none */
    uintptr_t boundary; /* first byte whose right value is known; 0: none */
    size_t length;      /* how many */
    unsigned char expected[REPORT_EXPECTED];
    bool is_access;            /* found by a fault, not by a call */
    bool is_served;            /* the call that found it goes on */
    uintptr_t pc;              /* of the instruction that faulted, or 0 */
    const struct guard *guard; /* stacks of allocation and free, or NULL */
};

/* Prints, and aborts but for the option go_on. Whoever calls then does without what was
 * found wrong. */
void report_finding(const struct finding *f);
/* The next finding ends the process: there is no way to go on. */
void report_is_last(void);
/* At the process's end: how many findings it survived. */
void report_sum(void);

/* `mem` was passed to `verb` and is no live block: says which kind of mistake it was. */
void report_not_live(const void *mem, const char *verb);
/* The same, where the look at the header faulted: the instruction at `pc`. */
void report_not_live_at(const void *mem, const char *verb, uintptr_t pc);

/* An access at `address` by the instruction at `pc`, in or next to a guarded block. */
void report_guard(const struct guard *g, uintptr_t address, uintptr_t pc,
                  bool is_write);

#endif
