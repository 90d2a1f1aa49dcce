/*
 * The slack of a block: how many bytes were asked for, and, at level 1 and above, keyed
 * bytes from there on that nobody may touch. Pure but for the keys.
 *
 *   mem | bytes asked | canary ... | slack           (slack < 255: one byte)
 *   mem | bytes asked | canary ... | slack, 8 bytes | 255
 * Notes: docs/notes/checks.md#canary
 */
#ifndef CHUNKY_FRONT_CANARY_H
#define CHUNKY_FRONT_CANARY_H

#include "base/bits.h"
#include "core/heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    CANARY_TAIL = 9,   /* most bytes of the record at the end */
    CANARY_LEAST = 2,  /* slack that level 1 always has: a keyed byte, and the record */
    CANARY_SHORT = 24, /* slack up to here lies in the block's last three words */
    CANARY_MOST = 32   /* no more keyed bytes than this, from the block's end on */
};

/* Which call a block came from; the keyed bytes carry it. */
enum family { FAMILY_MALLOC, FAMILY_NEW, FAMILY_NEW_ARRAY, FAMILY_ANY };

#define EACH_BYTE 0x0101010101010101ULL
#define EACH_BYTE_OF_4 0x01010101U

/* The slack that the last bytes before the block's end record. */
size_t canary_slack(const unsigned char tail[CANARY_TAIL]);

/* Writes only the record; slack is at least 1. */
void canary_write_slack(void *mem, size_t bytes, size_t usable);
/* Writes keyed bytes and record; usable - bytes >= CANARY_LEAST. The header in front of
 * mem is right. The second one: with canary_hash of it. */
void canary_write(void *mem, size_t bytes, size_t usable, enum family family);
void canary_write_hashed(void *mem, size_t bytes, size_t usable, enum family family,
                         uint64_t hash);

/* What was found behind a block. */
struct canary_finding {
    bool is_right;
    bool is_known;      /* bytes; else the record was overwritten too */
    size_t bytes;       /* asked; the most that can have been, if that is not known */
    enum family family; /* that the keyed bytes carry; FAMILY_ANY: not known */
    size_t from;        /* offset of the first keyed byte; its right value is below */
    size_t length;      /* keyed bytes; 0: where they stood is not known */
};
struct canary_finding canary_read(const void *mem, size_t usable);
/* The same, and looks for keyed bytes where the record was overwritten from behind. */
struct canary_finding canary_search(const void *mem, size_t usable);

/* Keyed bytes that fit in front of the record. */
size_t canary_length(size_t slack);
/* Whether the keyed bytes, `at` or a copy of them, bear out a slack that can be. */
bool canary_is_backed(const unsigned char *at, size_t slack, size_t usable,
                      uint64_t hash);

static inline bool canary_can_be(size_t slack, size_t usable)
{
    return slack >= CANARY_LEAST && slack <= usable;
}

/* Eight keyed bytes, as they stand in a word of memory. The high bit of each is set, so
 * that no NUL, no small number and no ASCII passes for one; the low two are the family
 * plus 1. */
static ALWAYS_INLINE uint64_t canary_word(uint64_t hash, size_t slack,
                                          enum family family)
{
    /* The half that is no part of the header's check, twice. */
    uint32_t half = (uint32_t)(hash >> 32) ^ (uint32_t)slack * (4 * EACH_BYTE_OF_4);
    half = (half & ~(0x83 * EACH_BYTE_OF_4)) | (family + 0x81U) * EACH_BYTE_OF_4;
    return (uint64_t)half << 32 | half;
}

/* What a block's keyed bytes are made from: what its header's check is made from, so that
 * whoever verified the header has it. The second one: of these bits of its header. */
static ALWAYS_INLINE uint64_t canary_hash_of(const void *mem, uint32_t bits)
{
    bits &= ~(uint32_t)(PREV_INUSE | HAS_REQUEST);
    return multiply_fold((uintptr_t)mem ^ heap_keys.address, bits ^ heap_keys.word);
}

static ALWAYS_INLINE uint64_t canary_hash(const void *mem)
{
    return canary_hash_of(mem, chunk_bits(chunk_of(mem)));
}

/* Right value of the byte at `offset` from mem, if it is a keyed one. */
unsigned char canary_byte(const void *mem, size_t slack, enum family family,
                          size_t offset);

static ALWAYS_INLINE uint64_t canary_load(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline bool canary_is_short(size_t slack)
{
    return slack - CANARY_LEAST <= CANARY_SHORT - CANARY_LEAST;
}

static ALWAYS_INLINE void canary_store(unsigned char *at, uint64_t word)
{
    memcpy(at, &word, sizeof word);
}

/* The block's last word, record included: one store, since free's load of these eight
 * bytes would wait for two. */
static ALWAYS_INLINE uint64_t canary_last(uint64_t word, size_t slack)
{
    uint64_t turned = word << 8 | slack;
    return turned >> 8 | turned << 56;
}

/* The same as canary_write, for a block whose bytes are not in use yet, and a slack that
 * is CANARY_SHORT: whole words. Three always: which is the first is hard to predict. */
static ALWAYS_INLINE void canary_stamp(void *mem, size_t bytes, size_t usable,
                                       enum family family, uint64_t hash)
{
    size_t slack = usable - bytes;
    unsigned char *end = (unsigned char *)mem + usable;
    uint64_t word = canary_word(hash, slack, family);
    canary_store(end - 24, word);
    canary_store(end - 16, word);
    canary_store(end - 8, canary_last(word, slack));
}

/* canary_ramp[24 + i] = 0xff for i >= 0: from [slack] on, a mask of the last words. */
extern const unsigned char canary_ramp[48];

/* The slack of a block of this family, if all is right behind it and its slack is
 * CANARY_SHORT; else 0. */
static ALWAYS_INLINE size_t canary_slack_short(const void *mem, size_t usable,
                                               enum family family, uint64_t hash)
{
    const unsigned char *end = (const unsigned char *)mem + usable;
    size_t slack = end[-1];
    if (UNLIKELY(!canary_is_short(slack)))
        return 0;
    uint64_t word = canary_word(hash, slack, family);
    const unsigned char *mask = canary_ramp + slack;
    uint64_t wrong = ((canary_load(end - 8) ^ word) & canary_load(mask + 16)) << 8;
    wrong |= (canary_load(end - 16) ^ word) & canary_load(mask + 8);
    wrong |= (canary_load(end - 24) ^ word) & canary_load(mask);
    return UNLIKELY(wrong != 0) ? 0 : slack;
}

/* What was asked for a block of this family, if all is right behind it; else
 * CANARY_NONE. */
#define CANARY_NONE SIZE_MAX
size_t canary_asked_wide(const void *mem, size_t usable, enum family family,
                         uint64_t hash);

#endif
