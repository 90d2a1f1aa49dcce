/*
 * Level 3: a SIGSEGV or SIGBUS that a mistake with the heap caused becomes a report;
 * every other one goes to whoever had the signal before. Below that no handler is
 * installed; what was unmapped is remembered from level 1 on. State: the handlers that
 * were there before, the blocks unmapped last.
 */
#ifndef CHUNKY_FRONT_FAULT_H
#define CHUNKY_FRONT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void fault_start(void);

/* Around a first look at the header of a pointer that a program handed in; `verb` names the
 * call. A fault in between is told as that of a pointer to unmapped memory. */
void fault_expect(const void *mem, const char *verb);
void fault_relax(void);

/* A mapping that was a block of its own is gone. Without a handler its first page stays,
 * for a while and without memory, so that who frees it again finds no header. */
void fault_note_unmapped(const void *mem, size_t bytes);
/* Whether an address lay in one of those gone last. */
bool fault_was_unmapped(uintptr_t address, uintptr_t *mem, size_t *bytes);

#endif
