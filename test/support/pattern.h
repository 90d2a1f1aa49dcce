/*
 * Contents that can be checked: every byte of a block follows from a seed and its
 * offset, so that a stale, moved, shared or overwritten byte is told apart.
 */
#ifndef TEST_SUPPORT_PATTERN_H
#define TEST_SUPPORT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills mem[from..to). */
void pattern_fill(void *mem, size_t from, size_t to, uint64_t seed);
/* First offset in [from, to) whose byte is not the pattern's; `to` if there is none. */
size_t pattern_differs(const void *mem, size_t from, size_t to, uint64_t seed);
/* First offset in [0, bytes) that is not zero; `bytes` if there is none. */
size_t pattern_not_zero(const void *mem, size_t bytes);

/* The same for the first and last page, and for words at fixed offsets between them. */
void pattern_fill_sparse(void *mem, size_t bytes, uint64_t seed);
bool pattern_holds_sparse(const void *mem, size_t bytes, uint64_t seed);
/* For a block that was filled sparsely when it had `bytes` or more. */
bool pattern_holds_prefix(const void *mem, size_t bytes, uint64_t seed);
/* The same, but for the first `from` bytes (fewer than a page). */
bool pattern_holds_from(const void *mem, size_t from, size_t bytes, uint64_t seed);

#endif
