/* What each program of this folder is made of: misuse() and, for attacks, a witness. */
#ifndef TEST_DEATH_H
#define TEST_DEATH_H

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The mistake, with blocks of about this many bytes. Returning means: not caught. */
void misuse(size_t bytes);

/* The compiler does not see what pointer comes back. */
void *hide(const void *p);
/* Calls f(argument) in a new thread and waits for it. */
void in_thread(void (*f)(void *), void *argument);
/* Mallocs and frees blocks of all kinds of sizes. */
void churn(unsigned count);

/* The header word in front of a block: bits 0-3 flags, then the size, the check on top. */
uint64_t *header(void *mem);
enum { HEADER_P = 1, HEADER_M = 2, HEADER_A = 4, HEADER_R = 8 };

/* Attacks: these bytes must stay as they are and nobody else may get them. */
void guard_range(void *start, size_t bytes);
/* Allocates blocks of many sizes and writes all over them. Ends the process with 42 if
 * one of them overlaps a guarded range or another block; returns if all is well. */
void try_to_profit(size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
