/*
 * A stack walked by the tables that programs carry for exceptions, without the unwinder's
 * library: nothing is loaded or allocated, and it works at every level and in static
 * programs. For a report all is read safely; for a sample, which is to be cheap, tables
 * are read directly where libc tells whose they are. Where there are none, by the frame
 * pointer. Notes: docs/notes/checks.md#report
 */
#ifndef CHUNKY_FRONT_UNWIND_H
#define CHUNKY_FRONT_UNWIND_H

#include "base/compiler.h"
#include "front/cfi.h"

enum { FRAME_LARGEST = 8 * 1024 * 1024 }; /* a larger step is no frame pointer */

enum { UNWIND_WINDOW = 1024 };

/* What a frame finds its caller with. */
struct unwind_frame {
    uintptr_t reg[CFI_REGISTERS];
    uintptr_t pc;
    bool is_exact; /* the next instruction; else a return address, behind the call */
};

/* Too large for a thread's stack. */
struct unwind {
    struct unwind_frame frame;
    bool is_direct;     /* with unwind_is_cheap; else one caller at a time */
    uintptr_t from, to; /* the object that was looked up last */
    uintptr_t table;    /* its .eh_frame_hdr; 0: none */
    struct cfi cfi;
    uintptr_t window_at; /* of the stack */
    size_t window_bytes;
    unsigned char window[UNWIND_WINDOW];
};

/* libc knows which object holds an address. Once, before unwind_here with `is_direct`; may
 * allocate. */
bool unwind_is_cheap(void);

/* The running function, of which this becomes a part. False: not on this processor. */
static ALWAYS_INLINE bool unwind_here(struct unwind *u, bool is_direct)
{
    u->is_direct = u->cfi.is_direct = is_direct;
    u->from = u->to = 0;
    u->window_bytes = 0;
    u->frame.is_exact = true;
    return registers_here(u->frame.reg, &u->frame.pc);
}

/* On to the caller; false where there is none, or it cannot be found. */
bool unwind_step(struct unwind *u);

#endif
