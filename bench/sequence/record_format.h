/* A recorded sequence of allocator calls: 16 bytes a record, in the order in which the
 * calls took effect; a record of zeros (or the end of the file) ends it. */
#ifndef BENCH_RECORD_FORMAT_H
#define BENCH_RECORD_FORMAT_H

#include <stdint.h>

enum record_call {
    RECORD_END = 0,
    RECORD_NEW,    /* mem, bytes, log2 of the alignment (0: malloc's own) */
    RECORD_ZEROED, /* the same from calloc */
    RECORD_FREE,   /* mem */
    RECORD_FROM,   /* realloc of mem ... */
    RECORD_TO      /* ... always followed by this: what it became, and bytes */
};

struct record {
    uint64_t mem;
    uint64_t word; /* call in bits 60..63, log2 of the alignment in 54..59, bytes */
};

static inline struct record record_make(enum record_call call, const void *mem,
                                        uint64_t bytes, unsigned log)
{
    uint64_t word =
        (uint64_t)call << 60 | (uint64_t)log << 54 | (bytes & (UINT64_MAX >> 10));
    return (struct record){(uint64_t)(uintptr_t)mem, word};
}

static inline enum record_call record_call(const struct record *r)
{
    return (enum record_call)(r->word >> 60);
}

static inline unsigned record_log(const struct record *r)
{
    return (unsigned)(r->word >> 54 & 63);
}

static inline uint64_t record_bytes(const struct record *r)
{
    return r->word & (UINT64_MAX >> 10);
}

#endif
