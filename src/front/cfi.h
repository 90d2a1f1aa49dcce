/*
 * Call frame information: where a function keeps its caller's registers at a given
 * instruction. The tables are those of .eh_frame (DWARF 5, section 6.4; Linux Standard
 * Base, "Exception Frames"). What they say is read like any foreign memory, and may be
 * nonsense; or, where they are known to be an object's, directly. No state. Notes:
 * docs/notes/checks.md#report
 */
#ifndef CHUNKY_FRONT_CFI_H
#define CHUNKY_FRONT_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DWARF's numbers, as far as they matter. */
#if defined(__x86_64__)
enum { CFI_REGISTERS = 17 };
#else
enum { CFI_REGISTERS = 33 };
#endif
enum { CFI_DEPTH = 6 }; /* rows put by at once */

/* Reads bytes up to `end`, a window at a time unless they are there for sure; `failed`
 * once there are none. */
struct cursor {
    uintptr_t at, end;
    bool is_direct;
    uintptr_t window_at;
    size_t window_bytes;
    unsigned char window[64];
    bool failed;
};
struct cursor cursor_over(uintptr_t from, uintptr_t to, bool is_direct);
/* Little-endian, 1 to 8 bytes; the variable lengths of DWARF; a pointer as .eh_frame
 * encodes them: absolute or relative to where it stands. */
uint64_t cursor_word(struct cursor *c, unsigned bytes);
uint64_t cursor_uleb(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);
uintptr_t cursor_pointer(struct cursor *c, unsigned encoding);

/* Where a caller's register is. */
enum cfi_place {
    CFI_SAME,      /* where it was */
    CFI_UNDEFINED, /* lost; of the return address: there is no caller */
    CFI_AT,        /* in memory, `value` bytes from the frame's address */
    CFI_IS,        /* it is the frame's address and `value` */
    CFI_IN,        /* in register `value` */
    CFI_AT_RESULT, /* in memory where the expression at `value` says */
    CFI_IS_RESULT  /* it is that expression's result */
};
struct cfi_rule {
    enum cfi_place place;
    int64_t value;
};

/* All rules at one instruction. The frame's address (CFA) is register `frame_register`
 * and `frame_offset`, or the result of an expression (0: none). */
struct cfi_row {
    struct cfi_rule rule[CFI_REGISTERS];
    uint64_t frame_register;
    int64_t frame_offset;
    uintptr_t frame_expression;
    uint64_t return_register;
    bool is_signal; /* what the kernel pushed for a signal handler */
};

/* What a table is read with: too large for a thread's stack. */
struct cfi {
    bool is_direct; /* the tables are there for sure */
    struct cfi_row row;
    struct cfi_row first; /* after the common instructions */
    struct cfi_row kept[CFI_DEPTH];
    unsigned count;
    struct cfi_rule other; /* of registers that we do not follow */
};

/* cfi->row becomes the one at `pc` by the entry (FDE) at `entry`; false if that does not
 * cover it, or makes no sense. */
bool cfi_find(struct cfi *cfi, uintptr_t entry, uintptr_t pc);

/* The result of the expression at `at`, which starts with its length; `start`: NULL, or
 * what is on its stack first. False if it needs what we do not know. */
bool cfi_evaluate(const struct cfi *cfi, uintptr_t at,
                  const uintptr_t reg[CFI_REGISTERS], const uintptr_t *start,
                  uintptr_t *result);

#endif
