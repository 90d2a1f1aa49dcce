/*
 * Arithmetic on sizes and addresses: alignment, logarithm, overflow checks.
 * No state.
 */
#ifndef CHUNKY_BASE_BITS_H
#define CHUNKY_BASE_BITS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static inline bool is_power_of_two(size_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* `align` is a power of two; the caller has excluded overflow. */
static inline size_t align_up(size_t x, size_t align)
{
    return (x + align - 1) & ~(align - 1);
}

static inline size_t align_down(size_t x, size_t align)
{
    return x & ~(align - 1);
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t clamp_size(size_t x, size_t low, size_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* floor(log2(x)); x is not 0. */
static inline unsigned log2_floor(uint64_t x)
{
    return 63U - count_leading_zeros(x);
}

/* Sets of small numbers, 64 in a word. */
static inline void set_add(uint64_t *set, unsigned i)
{
    set[i / 64] |= 1ULL << (i % 64);
}

static inline void set_remove(uint64_t *set, unsigned i)
{
    set[i / 64] &= ~(1ULL << (i % 64));
}

static inline bool set_has(const uint64_t *set, unsigned i)
{
    return (set[i / 64] >> (i % 64) & 1) != 0;
}

/* *out = a * b; true when the product does not fit. */
static inline bool multiply_overflows(size_t a, size_t b, size_t *out)
{
    *out = a * b;
    return a != 0 && *out / a != b;
}

/* *out = a + b; true when the sum does not fit. */
static inline bool add_overflows(size_t a, size_t b, size_t *out)
{
    *out = a + b;
    return *out < a;
}

#endif
