/*
 * The only home of compiler extensions. Everything else is plain C11.
 * No state. Notes: docs/porting.md
 */
#ifndef CHUNKY_BASE_COMPILER_H
#define CHUNKY_BASE_COMPILER_H

#include <stdint.h>

#define PUBLIC __attribute__((visibility("default")))
#define WEAK __attribute__((weak))
#define HIDDEN __attribute__((visibility("hidden")))
#define HOT __attribute__((hot, aligned(64)))
#define COLD __attribute__((cold, noinline))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define USED __attribute__((used))
/* ThreadSanitizer does not look: the function reads what others write, and copes. */
#define RACE_IS_KNOWN __attribute__((no_sanitize("thread")))
/* Sanitizers do not look: the function reads the stacks of others' frames. */
#define READS_FRAMES __attribute__((noinline, no_sanitize("address", "thread")))
#define CONSTRUCTOR(priority) __attribute__((constructor(priority)))
#define DESTRUCTOR __attribute__((destructor))
#define ALIAS_OF(target) __attribute__((alias(target)))
/* Zeroes of which most programs use none: behind what all of them touch. */
#define SELDOM __attribute__((section(".bss.seldom")))
#define TLS_INITIAL_EXEC _Thread_local __attribute__((tls_model("initial-exec")))

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The line at p will soon be read; p may be anything. */
#define PREFETCH(p) __builtin_prefetch(p)

/* The compiler may not assume anything about the value of p after this. */
#define OPAQUE(p) __asm__("" : "+r"(p))

/* Return address of the running function, for reports. */
#define CALLER() __builtin_return_address(0)
/* Where the running function keeps its caller's frame pointer and return address. */
#define FRAME_ADDRESS() __builtin_frame_address(0)

/* Registers of the running function that its callers may have kept something in, by the
 * numbers of DWARF, and the address of the instruction behind. 0: not on this processor. */
static ALWAYS_INLINE int registers_here(uintptr_t *reg, uintptr_t *pc)
{
#if defined(__x86_64__) && !defined(__ILP32__)
    __asm__ volatile(
        "movq %%rbx, 24(%1)\n\tmovq %%rbp, 48(%1)\n\tmovq %%rsp, 56(%1)\n\t"
        "movq %%r12, 96(%1)\n\tmovq %%r13, 104(%1)\n\t"
        "movq %%r14, 112(%1)\n\tmovq %%r15, 120(%1)\n\t"
        "leaq 0f(%%rip), %0\n0:"
        : "=&r"(*pc)
        : "r"(reg)
        : "memory");
    return 1;
#elif defined(__aarch64__)
    uintptr_t stack;
    __asm__ volatile("stp x19, x20, [%2, 152]\n\tstp x21, x22, [%2, 168]\n\t"
                     "stp x23, x24, [%2, 184]\n\tstp x25, x26, [%2, 200]\n\t"
                     "stp x27, x28, [%2, 216]\n\tstp x29, x30, [%2, 232]\n\t"
                     "mov %1, sp\n\tadr %0, 0f\n0:"
                     : "=&r"(*pc), "=&r"(stack)
                     : "r"(reg)
                     : "memory");
    reg[31] = stack;
    return 1;
#else
    *reg = *pc = 0;
    return 0;
#endif
}

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
#if defined(__x86_64__)
    /* What the next branch compiles to, without the saved register gcc adds. */
    __asm__("mulq %1" : "+a"(a), "+d"(b) : : "cc");
    return a ^ b;
#elif defined(__SIZEOF_INT128__)
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

/* *p ^= mask, as one relaxed load and one relaxed store that need not be atomic together.
 * A plain access lets the compiler use one instruction; ThreadSanitizer, which would
 * see a race with a reader, gets the two. */
#if defined(__SANITIZE_THREAD__)
#define SANITIZE_THREAD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZE_THREAD 1
#endif
#endif
static ALWAYS_INLINE void invert_word(_Atomic uint32_t *p, uint32_t mask)
{
#ifdef SANITIZE_THREAD
    __atomic_store_n((uint32_t *)p, __atomic_load_n((uint32_t *)p, 0) ^ mask, 0);
#else
    typedef uint32_t __attribute__((may_alias)) word;
#if defined(__x86_64__)
    __asm__("xorl %1, %0" : "+m"(*(word *)p) : "i"(mask) : "cc");
#else
    *(word *)p ^= mask;
#endif
#endif
}

/* ++*p, in one instruction where there is one, after all stores before it: a signal never
 * finds a slot counted that is not yet filled. */
static ALWAYS_INLINE void advance_slot(void ***p)
{
#if defined(__x86_64__)
    __asm__ volatile("addq $8, %0" : "+m"(*p) : : "cc", "memory");
#else
    __asm__ volatile("" : : : "memory");
    ++*p;
#endif
}

/* ++*p where nobody else writes it: behind all stores before it, and before all that
 * follow. */
static ALWAYS_INLINE void step_word(_Atomic uint32_t *p)
{
#if defined(SANITIZE_THREAD)
    __atomic_fetch_add((uint32_t *)p, 1, __ATOMIC_ACQ_REL);
#elif defined(__x86_64__)
    __asm__ volatile("incl %0" : "+m"(*(uint32_t *)p) : : "cc", "memory");
#else
    __atomic_store_n((uint32_t *)p, *(uint32_t *)p + 1, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
#endif
}

/* *p = to, after all stores before it and before all behind it, as a signal sees them. */
static ALWAYS_INLINE void move_slot(void ***p, void **to)
{
    __asm__ volatile("" : : : "memory");
    *p = to;
    __asm__ volatile("" : : : "memory");
}

/* *p, as a relaxed load that the compiler may fold into a compare. */
static ALWAYS_INLINE uint32_t load_word(const _Atomic uint32_t *p)
{
#ifdef SANITIZE_THREAD
    return __atomic_load_n((const uint32_t *)p, 0);
#else
    typedef uint32_t __attribute__((may_alias)) word;
    return *(const word *)p;
#endif
}

/* A static probe: a nop, and the note that SystemTap's wiki describes as version 3: its
 * address, that of .stapsdt.base (for prelinked files), no semaphore, three strings. */
#if defined(__ELF__) && (defined(__x86_64__) || defined(__aarch64__))
#define PROBE_NOTE(name, arguments, a, b)                                              \
    __asm__ volatile("990: nop\n"                                                      \
                     ".pushsection .note.stapsdt,\"?\",\"note\"\n"                     \
                     ".balign 4\n"                                                     \
                     ".4byte 992f-991f, 994f-993f, 3\n"                                \
                     "991: .asciz \"stapsdt\"\n"                                       \
                     "992: .balign 4\n"                                                \
                     "993: .8byte 990b, _.stapsdt.base, 0\n"                           \
                     ".asciz \"chunky\"\n"                                             \
                     ".asciz \"" #name "\"\n"                                          \
                     ".asciz \"" arguments "\"\n"                                      \
                     "994: .balign 4\n"                                                \
                     ".popsection\n"                                                   \
                     ".ifndef _.stapsdt.base\n"                                        \
                     ".pushsection .stapsdt.base,\"aG\",\"progbits\","                 \
                     ".stapsdt.base,comdat\n"                                          \
                     ".weak _.stapsdt.base\n"                                          \
                     ".hidden _.stapsdt.base\n"                                        \
                     "_.stapsdt.base: .space 1\n"                                      \
                     ".size _.stapsdt.base, 1\n"                                       \
                     ".popsection\n"                                                   \
                     ".endif\n" ::"r"(a),                                              \
                     "r"(b))
#endif

/* Eight bytes at p, aligned to 8, as one relaxed load whatever their type. */
static ALWAYS_INLINE uint64_t load_long(const void *p)
{
    typedef uint64_t __attribute__((may_alias)) word;
    return __atomic_load_n((const word *)p, __ATOMIC_RELAXED);
}

/* The other way: one relaxed store. */
static ALWAYS_INLINE void store_long(void *p, uint64_t value)
{
    typedef uint64_t __attribute__((may_alias)) word;
    __atomic_store_n((word *)p, value, __ATOMIC_RELAXED);
}

/* Sixteen bytes at a time, at multiples of that. A loop over words would become a call. */
typedef uint64_t two_words __attribute__((vector_size(16), may_alias));

static ALWAYS_INLINE void clear_pairs(void *start, void *end)
{
    two_words *at = start;
    for (; at != (two_words *)end; at++) {
        *at = (two_words){0, 0};
        OPAQUE(at);
    }
}

static ALWAYS_INLINE int pairs_are_clear(const void *start, const void *end)
{
    const two_words *at = start, *last = end;
    two_words any = {0, 0};
    for (; last - at >= 4; at += 4)
        any |= (at[0] | at[1]) | (at[2] | at[3]);
    for (; at != last; at++)
        any |= *at;
    return (any[0] | any[1]) == 0;
}

#endif
