/*
 * Contents that can be checked. No state.
 */
#include "support/pattern.h"

#include <string.h>

#include "support/random.h"

enum {
    SPARSE_END = 4096,
    SPARSE_WORD = 8,
    SPARSE_STEP = 4096, /* of the first SPARSE_NEAR bytes */
    SPARSE_NEAR = 4 << 20,
    SPARSE_STRIDE = 1 << 18 /* beyond */
};

static uint64_t pattern_word(uint64_t seed, size_t offset)
{
    return (seed ^ (offset >> 3)) * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u;
}

static unsigned char pattern_byte(uint64_t seed, size_t offset)
{
    return (unsigned char)(pattern_word(seed, offset) >> (8 * (offset & 7)));
}

void pattern_fill(void *mem, size_t from, size_t to, uint64_t seed)
{
    unsigned char *bytes = mem;
    size_t i = from;
    for (; i < to && (i & 7); i++)
        bytes[i] = pattern_byte(seed, i);
    for (; i < to && to - i >= 8; i += 8) {
        uint64_t word = pattern_word(seed, i);
        memcpy(bytes + i, &word, 8);
    }
    for (; i < to; i++)
        bytes[i] = pattern_byte(seed, i);
}

size_t pattern_differs(const void *mem, size_t from, size_t to, uint64_t seed)
{
    const unsigned char *bytes = mem;
    size_t i = from;
    for (; i < to && (i & 7); i++)
        if (bytes[i] != pattern_byte(seed, i))
            return i;
    for (; i < to && to - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        if (word != pattern_word(seed, i))
            break;
    }
    for (; i < to; i++)
        if (bytes[i] != pattern_byte(seed, i))
            return i;
    return to;
}

size_t pattern_not_zero(const void *mem, size_t bytes)
{
    const unsigned char *b = mem;
    size_t i = 0;
    for (; bytes - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, b + i, 8);
        if (word)
            break;
    }
    for (; i < bytes; i++)
        if (b[i])
            return i;
    return bytes;
}

static size_t pattern_word_end(size_t from, size_t bytes)
{
    return bytes - from < SPARSE_WORD ? bytes : from + SPARSE_WORD;
}

/* The offsets do not depend on the size: a block that shrank has the same ones. */
static size_t pattern_next(size_t at)
{
    return at + (at < SPARSE_NEAR ? SPARSE_STEP : SPARSE_STRIDE);
}

void pattern_fill_sparse(void *mem, size_t bytes, uint64_t seed)
{
    size_t head = bytes < SPARSE_END ? bytes : SPARSE_END;
    pattern_fill(mem, 0, head, seed);
    pattern_fill(mem, bytes - head, bytes, seed);
    for (size_t at = head; at < bytes; at = pattern_next(at))
        pattern_fill(mem, at, pattern_word_end(at, bytes), seed);
}

bool pattern_holds_prefix(const void *mem, size_t bytes, uint64_t seed)
{
    return pattern_holds_from(mem, 0, bytes, seed);
}

bool pattern_holds_from(const void *mem, size_t from, size_t bytes, uint64_t seed)
{
    size_t head = bytes < SPARSE_END ? bytes : SPARSE_END;
    if (pattern_differs(mem, from, head, seed) != head)
        return false;
    for (size_t at = head; at < bytes; at = pattern_next(at)) {
        size_t end = pattern_word_end(at, bytes);
        if (pattern_differs(mem, at, end, seed) != end)
            return false;
    }
    return true;
}

bool pattern_holds_sparse(const void *mem, size_t bytes, uint64_t seed)
{
    size_t tail = bytes < SPARSE_END ? 0 : bytes - SPARSE_END;
    return pattern_holds_prefix(mem, bytes, seed) &&
           pattern_differs(mem, tail, bytes, seed) == bytes;
}
