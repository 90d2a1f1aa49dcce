/*
 * Size classes of the thread caches: exact steps of 16 to 1 KiB, then 16 a doubling to
 * 4 KiB and 8 a doubling to 1 MiB, each 16 above a round number so that a request for
 * a power of two fits without loss. Notes: docs/notes/caches.md#classes
 */
#ifndef CHUNKY_CORE_CLASS_H
#define CHUNKY_CORE_CLASS_H

#include "core/chunk.h"

enum {
    CLASS_NONE = 0,          /* never cached: its stack is empty and full for ever */
    CLASS_EXACT = 65,        /* class k < 65: chunk size 16 * (k + 1) */
    CLASS_EXACT_SIZE = 1040, /* largest of these */
    CLASS_LARGE = 121,       /* first class that only the slow paths know */
    CLASS_COUNT = 161,
    CLASS_WORDS = (CLASS_COUNT + 63) / 64, /* of a bitmap of classes */
    CLASS_MAX_SIZE = 32768 + 16,           /* largest chunk of the tables */
    CLASS_LARGE_SIZE = 1048576 + 16,       /* largest cached chunk */
    CLASS_MAX_BYTES = CLASS_MAX_SIZE - CHUNK_OVERHEAD,
    CLASS_LARGE_BYTES = CLASS_LARGE_SIZE - CHUNK_OVERHEAD,
    CLASS_MAP_SIZE = 4096 /* entries: (size / 16) mod 4096 */
};

/* class_map[size / 16] = 2 * the largest class whose chunks are not larger than size;
 * CLASS_NONE for sizes that no cache takes. Twice, because a stack is two words. */
extern uint8_t class_map[CLASS_MAP_SIZE];
/* class_sizes[k] = chunk size of class k; 0 for CLASS_NONE. */
extern uint32_t class_sizes[CLASS_COUNT];

/* Fills both tables; to be called once, before the first cache exists. */
void class_init(void);

/* Class 120 is 32 KiB + 16; above, arithmetic in place of the table. `size` is larger. */
static inline unsigned class_floor_large(size_t size)
{
    unsigned log2 = log2_floor(size - CHUNK_ALIGN);
    unsigned eighth = (unsigned)((size - CHUNK_ALIGN) >> (log2 - 3)) & 7;
    return CLASS_LARGE - 1 + 8 * (log2 - 15) + eighth;
}

/* Largest class that fits into a chunk of `size`; CLASS_NONE if it is not cached. */
static inline unsigned class_floor(size_t size)
{
    if (size <= CLASS_MAX_SIZE)
        return class_map[size / CHUNK_ALIGN] / 2U;
    return size <= CLASS_LARGE_SIZE ? class_floor_large(size) : CLASS_NONE;
}

/* Smallest class for a chunk of at least `size` <= CLASS_LARGE_SIZE. */
static inline unsigned class_ceiling(size_t size)
{
    return class_floor(size - CHUNK_ALIGN) + 1U;
}

/* The same where `size` is larger than CLASS_MAX_SIZE. */
static inline unsigned class_ceiling_large(size_t size)
{
    return class_floor_large((size & ~(size_t)(CHUNK_ALIGN - 1)) - CHUNK_ALIGN) + 1U;
}

#endif
