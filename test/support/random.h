/*
 * A small repeatable source of random numbers (a counter through a mixing function).
 */
#ifndef TEST_SUPPORT_RANDOM_H
#define TEST_SUPPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

static inline uint64_t random_next(struct random *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    return random_mix(r->state);
}

/* 0 .. below - 1. */
static inline size_t random_below(struct random *r, size_t below)
{
    return (size_t)(random_next(r) % below);
}

/* A size as programs ask for them: every power of two up to 2^bits is as likely as
 * the next. */
static inline size_t random_size(struct random *r, unsigned bits)
{
    size_t most = (size_t)1 << random_below(r, bits + 1);
    return random_below(r, most + 1);
}

#endif
