/*
 * The only home of compiler extensions. Everything else is plain C11.
 * No state. Notes: docs/porting.md
 */
#ifndef CHUNKY_BASE_COMPILER_H
#define CHUNKY_BASE_COMPILER_H

#include <stdint.h>

#define PUBLIC __attribute__((visibility("default")))
#define WEAK __attribute__((weak))
#define HOT __attribute__((hot, aligned(64)))
#define COLD __attribute__((cold, noinline))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNUSED __attribute__((unused))
#define USED __attribute__((used))
#define CONSTRUCTOR(priority) __attribute__((constructor(priority)))
#define DESTRUCTOR __attribute__((destructor))
#define ALIGNED(bytes) __attribute__((aligned(bytes)))
#define RETURNS_NONNULL __attribute__((returns_nonnull))
#define TLS_INITIAL_EXEC _Thread_local __attribute__((tls_model("initial-exec")))

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The compiler may not assume anything about *p after this. */
#define OPAQUE(p) __asm__ volatile("" : "+r"(p) : : "memory")

/* Return address of the running function, for reports. */
#define CALLER() __builtin_return_address(0)

static inline unsigned count_trailing_zeros(uint64_t x)
{
    return (unsigned)__builtin_ctzll(x);
}

static inline unsigned count_leading_zeros(uint64_t x)
{
    return (unsigned)__builtin_clzll(x);
}

/* 64 x 64 -> 128 bit product, folded to 64 by xor of its halves. */
static ALWAYS_INLINE uint64_t multiply_fold(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
    uint64_t mid = ah * bl + ((al * bl) >> 32);
    uint64_t mid2 = al * bh + (uint32_t)mid;
    return (a * b) ^ (ah * bh + (mid >> 32) + (mid2 >> 32));
#endif
}

static ALWAYS_INLINE void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

#define BREAKPOINT_TRAP() __builtin_trap()
#define UNREACHABLE() __builtin_unreachable()

#endif
