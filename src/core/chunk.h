/*
 * The chunk: its header word, sizes, neighbours, keyed check. Pure: words in, answers
 * out; no state, no lock. Who may write what: docs/notes/chunks.md#ownership
 *
 *          live chunk                        free (binned) chunk
 *   c  | prev_size, if P is clear     |   | prev_size, if P is clear     |
 *   +8 | check16 | size        |R|A|M|P|   | check16 | size        |R|A|M|P|
 *  +16 | user bytes   <- mem          |   | fd, bk, then for large ones  |
 *      :                              :   : fd_size, bk_size, dirty list :
 *      | the last 8 bytes are usable  |   | size again (the footer)      |
 */
#ifndef CHUNKY_CORE_CHUNK_H
#define CHUNKY_CORE_CHUNK_H

#include "base/bits.h"
#include "base/compiler.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PREV_INUSE = 1,     /* P: the chunk before is not binned */
    IS_MMAPPED = 2,     /* M: alone in its own mapping */
    NON_MAIN_ARENA = 4, /* A: lies in a size-aligned heap */
    HAS_REQUEST = 8,    /* R: the slack is recorded in the last usable bytes */
    CHUNK_FLAGS = 15,
    /* An idle chunk (check inverted) says in the same bits where it is: */
    IDLE_OUT = 0,               /* cached, in a magazine, top, or on its way */
    IDLE_BINNED = 2,            /* in a small or large bin */
    IDLE_UNSORTED = 8,          /* in the unsorted bin */
    IDLE_FAST = 10,             /* in a fast bin */
    IDLE_STATE = 10,            /* mask of these */
    CHUNK_ALIGN = 16,           /* of mem, and of every size */
    CHUNK_MIN = 32,             /* smallest chunk */
    CHUNK_OVERHEAD = 8,         /* size - usable bytes */
    CHUNK_HEADER = 16,          /* mem - chunk */
    CHUNK_MAPPED_OVERHEAD = 16, /* size - usable bytes of a mapped chunk */
    FENCE_SIZE = 16,  /* the header that ends a heap; smaller than any chunk */
    HOT_MAX = 65520,  /* larger chunks never pass the hot path's check */
    LARGE_MIN = 1024, /* binned chunks from here on have the size links */
    TAIL_MIN = 4096,  /* binned chunks from here on have the dirty members */
    HOLE_CLEAN = 8    /* this part of a large block may come not resident */
};

struct chunk {
    uint64_t prev_size;    /* footer of the chunk before, when P is clear */
    _Atomic uint32_t bits; /* low 28 bits of size / 16, flags */
    union {
        _Atomic uint32_t tag; /* both below, as the owner reads and writes them */
        struct {
            uint16_t high;  /* bits 32 to 47 of size */
            uint16_t check; /* keyed hash; inverted while the chunk is not live */
        };
    };
    struct chunk *fd;      /* next in its bin (circular; fast bins: one way) */
    struct chunk *bk;      /* previous in its bin */
    struct chunk *fd_size; /* large bins: first chunk of the next larger size */
    struct chunk *bk_size; /* large bins: first chunk of the next smaller size */
    struct chunk
        *dirty_next; /* arena's list of chunks with dirty pages, oldest first */
    struct chunk *dirty_prev; /* its other direction */
    uintptr_t clean_from; /* whole pages in [clean_from, clean_to) are not resident */
    uintptr_t clean_to;   /* and read as zero; equal when there are none */
};

static_assert(offsetof(struct chunk, bits) == 8, "header word is at +8");
static_assert(offsetof(struct chunk, check) == 14, "check is the top of the word");
static_assert(offsetof(struct chunk, fd) == CHUNK_HEADER, "links start at mem");
static_assert(sizeof(struct chunk) <= 96, "free chunk's members");

/* Per-process secrets of the header check; set before the first header exists. */
struct chunk_keys {
    uint64_t address; /* mixed with mem */
    uint64_t word;    /* mixed with size and flags */
};

static inline struct chunk *chunk_of(const void *mem)
{
    return (struct chunk *)((uintptr_t)mem - CHUNK_HEADER);
}

static inline void *mem_of(const struct chunk *c)
{
    return (void *)((uintptr_t)c + CHUNK_HEADER);
}

/* Size of the chunk for `bytes` asked; the caller has excluded overflow. */
static inline size_t chunk_size_for(size_t bytes)
{
    size_t size = align_up(bytes + CHUNK_OVERHEAD, CHUNK_ALIGN);
    return size < CHUNK_MIN ? CHUNK_MIN : size;
}

static inline uint32_t chunk_bits(const struct chunk *c)
{
    return atomic_load_explicit((_Atomic uint32_t *)&c->bits, memory_order_relaxed);
}

#define WORD_MASK 0x0000fffffffffffeULL /* size and flags but for P, in a header */

/* The header at once: size, flags, check on top. */
static ALWAYS_INLINE uint64_t chunk_head(const struct chunk *c)
{
    static_assert(offsetof(struct chunk, tag) == offsetof(struct chunk, bits) + 4, "");
    return load_long(&c->bits);
}

/* The header word without check and without P. */
static inline uint64_t chunk_word(const struct chunk *c)
{
    return chunk_head(c) & WORD_MASK;
}

static inline size_t chunk_size(const struct chunk *c)
{
    return (size_t)(chunk_word(c) & ~(uint64_t)CHUNK_FLAGS);
}

static inline bool chunk_is_mapped(const struct chunk *c)
{
    return (chunk_bits(c) & IS_MMAPPED) != 0;
}

static inline size_t chunk_usable(const struct chunk *c)
{
    return chunk_size(c) -
           (chunk_is_mapped(c) ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD);
}

static inline bool chunk_prev_inuse(const struct chunk *c)
{
    return (chunk_bits(c) & PREV_INUSE) != 0;
}

static inline struct chunk *chunk_at(const struct chunk *c, size_t offset)
{
    return (struct chunk *)((uintptr_t)c + offset);
}

static inline struct chunk *chunk_next(const struct chunk *c)
{
    return chunk_at(c, chunk_size(c));
}

/* Only while P is clear, and after the footer was compared with that chunk's size. */
static inline struct chunk *chunk_prev(const struct chunk *c)
{
    return (struct chunk *)((uintptr_t)c - (size_t)c->prev_size);
}

/* True when no hot path may take this word for a cached class: see #domains. */
static inline bool chunk_word_is_special(uint64_t word)
{
    return word >= HOT_MAX + CHUNK_ALIGN || (word & (IS_MMAPPED | HAS_REQUEST)) != 0;
}

#define CHECK_MASK 0xffff0000U   /* the check in a tag */
#define CHECK_DOMAIN 0x00010000U /* what is flipped in the check of a special word */

/* The right tag, but for the size's high bits, of a live chunk with user memory at
 * `mem`. */
static ALWAYS_INLINE uint32_t chunk_hash_plain(uint64_t address_key, uint64_t word_key,
                                               const void *mem, uint64_t word)
{
    return (uint32_t)multiply_fold((uintptr_t)mem ^ address_key, word ^ word_key) &
           CHECK_MASK;
}

/* The right tag of a live chunk. */
static inline uint32_t chunk_tag(const struct chunk_keys *k, const void *mem,
                                 uint64_t word)
{
    uint32_t domain = chunk_word_is_special(word) ? CHECK_DOMAIN : 0;
    return (chunk_hash_plain(k->address, k->word, mem, word) ^ domain) |
           (uint32_t)(word >> 32);
}

/* 0: a live chunk's header. CHECK_MASK: an idle chunk's. Anything else: none of ours. */
static ALWAYS_INLINE uint32_t chunk_verdict(const struct chunk_keys *k,
                                            const struct chunk *c)
{
    uint64_t head = chunk_head(c);
    return ((uint32_t)(head >> 32) ^ chunk_tag(k, mem_of(c), head & WORD_MASK)) &
           CHECK_MASK;
}

/* A live chunk of less than 4 GiB with these bits, which may just have been flipped: a load of
 * the whole header would wait for the store of its half. */
static ALWAYS_INLINE bool chunk_is_live_small(const struct chunk_keys *k,
                                              const struct chunk *c, uint32_t bits)
{
    uint64_t word = bits & ~(uint32_t)PREV_INUSE;
    return load_word(&c->tag) == chunk_tag(k, mem_of(c), word);
}

static inline bool chunk_is_live(const struct chunk_keys *k, const struct chunk *c)
{
    return chunk_verdict(k, c) == 0;
}

/* Its size and flags, or 0 when its header is not a live chunk's; what is believed is what was
 * verified, whoever writes to it meanwhile. */
static inline uint64_t chunk_word_if_live(const struct chunk_keys *k,
                                          const struct chunk *c)
{
    uint64_t head = chunk_head(c), word = head & WORD_MASK;
    uint32_t wrong = (uint32_t)(head >> 32) ^ chunk_tag(k, mem_of(c), word);
    return (wrong & CHECK_MASK) == 0 ? word : 0;
}

static inline size_t chunk_size_if_live(const struct chunk_keys *k,
                                        const struct chunk *c)
{
    return (size_t)(chunk_word_if_live(k, c) & ~(uint64_t)CHUNK_FLAGS);
}

/* Valid header of a chunk that is cached, fast, binned, top or on its way. */
static inline bool chunk_is_idle(const struct chunk_keys *k, const struct chunk *c)
{
    return chunk_verdict(k, c) == CHECK_MASK;
}

static inline unsigned chunk_idle_state(const struct chunk *c)
{
    return chunk_bits(c) & IDLE_STATE;
}

/* The size that a header tells, if it is the valid one of a chunk that lies in a bin, not
 * IDLE_OUT; else 0. As chunk_is_idle, where the domain is known. */
static ALWAYS_INLINE size_t chunk_size_of_head(const struct chunk_keys *k,
                                               const struct chunk *c, uint64_t head)
{
    uint64_t word = head & WORD_MASK;
    uint32_t tag = chunk_hash_plain(k->address, k->word, mem_of(c), word);
    bool valid =
        (((uint32_t)(head >> 32) ^ tag) & CHECK_MASK) == (CHECK_MASK ^ CHECK_DOMAIN);
    return valid ? (size_t)(word & ~(uint64_t)CHUNK_FLAGS) : 0;
}

/* The size of a chunk in this kind of bin, or 0 when it has not the valid header of one; what
 * is believed is what was verified, whoever writes to it meanwhile. */
static ALWAYS_INLINE size_t chunk_size_if_in(const struct chunk_keys *k,
                                             const struct chunk *c, unsigned state)
{
    uint64_t head = chunk_head(c);
    return (head & IDLE_STATE) == state ? chunk_size_of_head(k, c, head) : 0;
}

static ALWAYS_INLINE bool chunk_is_in(const struct chunk_keys *k, const struct chunk *c,
                                      unsigned state)
{
    return chunk_size_if_in(k, c, state) != 0;
}

/* The size of a chunk that is on its way (IDLE_OUT), or 0 when it has not the valid header of
 * one; what is believed is what was verified, whoever writes to it meanwhile. */
static ALWAYS_INLINE size_t chunk_size_if_out(const struct chunk_keys *k,
                                              const struct chunk *c)
{
    static_assert(IDLE_OUT == 0, "the size alone makes such a word special");
    uint64_t head = chunk_head(c), word = head & WORD_MASK;
    uint32_t domain = word >= HOT_MAX + CHUNK_ALIGN ? CHECK_DOMAIN : 0;
    uint32_t tag = chunk_hash_plain(k->address, k->word, mem_of(c), word) ^ domain;
    bool out = (head & IDLE_STATE) == IDLE_OUT &&
               (((uint32_t)(head >> 32) ^ tag) & CHECK_MASK) == CHECK_MASK;
    return out ? (size_t)(word & ~(uint64_t)CHUNK_FLAGS) : 0;
}

/* The same of one that is merged already: in the unsorted, a small or a large bin. */
static ALWAYS_INLINE size_t chunk_size_if_binned(const struct chunk_keys *k,
                                                 const struct chunk *c)
{
    uint64_t head = chunk_head(c);
    unsigned state = head & IDLE_STATE;
    return state == IDLE_BINNED || state == IDLE_UNSORTED
               ? chunk_size_of_head(k, c, head)
               : 0;
}

static ALWAYS_INLINE bool chunk_is_binned(const struct chunk_keys *k,
                                          const struct chunk *c)
{
    return chunk_size_if_binned(k, c) != 0;
}

/* A header that Chunky wrote: live or idle. */
static inline bool chunk_is_valid(const struct chunk_keys *k, const struct chunk *c)
{
    uint32_t verdict = chunk_verdict(k, c);
    return verdict == 0 || verdict == CHECK_MASK;
}

/* live <-> idle, by the owner of the chunk and by nobody else. */
static ALWAYS_INLINE void chunk_flip(struct chunk *c)
{
    invert_word(&c->tag, CHECK_MASK);
}

/* Writes a whole idle header. Arena lock held, and the chunk is the arena's. */
static inline void chunk_set_idle(const struct chunk_keys *k, struct chunk *c,
                                  size_t size, uint32_t flags)
{
    uint64_t word = (uint64_t)size | (flags & (uint32_t)(CHUNK_FLAGS & ~PREV_INUSE));
    uint32_t tag = chunk_tag(k, mem_of(c), word) ^ CHECK_MASK;
    uint32_t bits = (uint32_t)word | (flags & PREV_INUSE);
    store_long(&c->bits, (uint64_t)tag << 32 | bits);
}

/* P of a chunk that somebody else may own: a byte store, under the arena lock. */
static inline void chunk_set_prev_inuse(struct chunk *c, bool inuse)
{
    _Atomic uint8_t *low = (_Atomic uint8_t *)(void *)&c->bits;
    uint8_t value = atomic_load_explicit(low, memory_order_relaxed);
    value = inuse ? (uint8_t)(value | PREV_INUSE) : (uint8_t)(value & ~PREV_INUSE);
    atomic_store_explicit(low, value, memory_order_relaxed);
}

/* Writes the footer of a binned chunk. */
static inline void chunk_set_footer(struct chunk *c, size_t size)
{
    chunk_at(c, size)->prev_size = size;
}

#endif
