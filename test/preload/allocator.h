/*
 * What the programs of this folder share: where malloc comes from, and some work for it.
 */
#ifndef TEST_PRELOAD_ALLOCATOR_H
#define TEST_PRELOAD_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if malloc comes from a library that LD_PRELOAD names. */
bool allocator_is_preloaded(void);

/* Executes this program anew with one argument, under what was set up before. */
_Noreturn void allocator_again(const char *arg);

/* Allocates, resizes and frees blocks of up to 2^bits bytes, `steps` times (scaled, see
 * support/expect.h), checking contents and the zeroes of calloc, then frees them all. Returns how many allocations
 * were refused. Needs about 4 KiB of stack; safe from any thread. */
size_t allocator_churn(uint64_t seed, long steps, unsigned bits);

/* The same in `count` threads (at most 16) with stacks of `stack` bytes (0: default). */
size_t allocator_churn_threads(unsigned count, size_t stack, long steps, unsigned bits);

/* Makes many holes between live blocks, which go back together, and checks what is live. One
 * thread at a time. */
void allocator_make_holes(void);

#endif
