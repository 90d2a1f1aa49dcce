/*
 * A stack walked by the tables that programs carry for exceptions, without the unwinder's
 * library: nothing is loaded or allocated, all is read safely, and it works at every level
 * and in static programs. Where there are no tables, by the frame pointer.
 * One caller at a time (the report's lock). Notes: docs/notes/checks.md#report
 */
#ifndef CHUNKY_FRONT_UNWIND_H
#define CHUNKY_FRONT_UNWIND_H

#include "base/compiler.h"
#include "front/cfi.h"

enum { FRAME_LARGEST = 8 * 1024 * 1024 }; /* a larger step is no frame pointer */

struct unwind {
    uintptr_t reg[CFI_REGISTERS];
    uintptr_t pc;
    bool is_exact; /* the next instruction; else a return address, behind the call */
};

/* The running function, of which this becomes a part. False: not on this processor. */
static ALWAYS_INLINE bool unwind_here(struct unwind *u)
{
    u->is_exact = true;
    return registers_here(u->reg, &u->pc);
}

/* On to the caller; false where there is none, or it cannot be found. */
bool unwind_step(struct unwind *u);

#endif
