/*
 * Raw deflate after RFC 1951: greedy matches from a hash of three bytes, fixed codes. For
 * the data of pages, which browsers unpack. State: in the struct.
 */
#include "page.h"

#include "source.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 32768,
    HASH_BITS = 15,
    HASH_SIZE = 1 << HASH_BITS,
    MATCH_MIN = 3,
    MATCH_MAX = 258,
    CHAIN = 24, /* candidates looked at */
    END_OF_BLOCK = 256
};

struct deflate {
    const unsigned char *data;
    size_t size;
    unsigned char *out;
    size_t length, room;
    uint64_t bits;
    unsigned bit_count;
    int64_t head[HASH_SIZE]; /* newest place of a hash, or -1 */
    int64_t before[WINDOW];  /* place before that with the same hash */
};

static void deflate_bits(struct deflate *d, uint32_t value, unsigned count)
{
    d->bits |= (uint64_t)value << d->bit_count;
    d->bit_count += count;
    if (d->length + 8 > d->room) {
        d->room = d->room * 2 + 64;
        d->out = must(realloc(d->out, d->room));
    }
    for (; d->bit_count >= 8; d->bit_count -= 8, d->bits >>= 8)
        d->out[d->length++] = (unsigned char)d->bits;
}

/* Huffman codes go in with their first bit first. */
static void deflate_code(struct deflate *d, uint32_t code, unsigned count)
{
    uint32_t turned = 0;
    for (unsigned i = 0; i < count; i++)
        turned |= (code >> i & 1) << (count - 1 - i);
    deflate_bits(d, turned, count);
}

static void deflate_literal(struct deflate *d, unsigned symbol)
{
    if (symbol < 144)
        deflate_code(d, 0x30 + symbol, 8);
    else if (symbol < 256)
        deflate_code(d, 0x190 + symbol - 144, 9);
    else if (symbol < 280)
        deflate_code(d, symbol - 256, 7);
    else
        deflate_code(d, 0xc0 + symbol - 280, 8);
}

/* Lengths and distances are classes of rising width: `per` of them a doubling, the first
 * ones exact. Gives the class, its extra bits and their value. */
static unsigned deflate_class(unsigned n, unsigned per_log2, unsigned *extra,
                              unsigned *rest)
{
    unsigned log2 = 0;
    while (n >> (log2 + 1) != 0)
        log2++;
    if (log2 <= per_log2) {
        *extra = *rest = 0;
        return n;
    }
    *extra = log2 - per_log2;
    *rest = n & ((1U << *extra) - 1);
    return ((*extra) << per_log2) + (n >> *extra);
}

static void deflate_match(struct deflate *d, unsigned length, unsigned distance)
{
    unsigned extra, rest;
    if (length == MATCH_MAX) {
        deflate_literal(d, 285);
    } else {
        unsigned class = deflate_class(length - MATCH_MIN, 2, &extra, &rest);
        deflate_literal(d, 257 + class);
        deflate_bits(d, rest, extra);
    }
    unsigned class = deflate_class(distance - 1, 1, &extra, &rest);
    deflate_code(d, class, 5);
    deflate_bits(d, rest, extra);
}

static unsigned deflate_hash(const unsigned char *at)
{
    uint32_t three = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return (three * 0x9e3779b1u) >> (32 - HASH_BITS);
}

static void deflate_note(struct deflate *d, size_t at)
{
    if (at + MATCH_MIN > d->size)
        return;
    unsigned hash = deflate_hash(d->data + at);
    d->before[at % WINDOW] = d->head[hash];
    d->head[hash] = (int64_t)at;
}

static unsigned deflate_find(const struct deflate *d, size_t at, unsigned *distance)
{
    unsigned best = 0;
    size_t most = d->size - at < MATCH_MAX ? d->size - at : MATCH_MAX;
    if (most < MATCH_MIN)
        return 0;
    int64_t from = d->head[deflate_hash(d->data + at)];
    for (unsigned i = 0; i < CHAIN && from >= 0 && at - (size_t)from < WINDOW; i++) {
        const unsigned char *a = d->data + at, *b = d->data + from;
        unsigned length = 0;
        while (length < most && a[length] == b[length])
            length++;
        if (length > best) {
            best = length;
            *distance = (unsigned)(at - (size_t)from);
        }
        if (best == most)
            break;
        from = d->before[(size_t)from % WINDOW];
    }
    return best >= MATCH_MIN ? best : 0;
}

unsigned char *deflate_raw(const unsigned char *data, size_t size, size_t *out_size)
{
    struct deflate *d = take(sizeof *d);
    d->data = data;
    d->size = size;
    for (unsigned i = 0; i < HASH_SIZE; i++)
        d->head[i] = -1;
    deflate_bits(d, 1 | 1 << 1, 3); /* the last block; fixed codes */
    for (size_t at = 0; at < size;) {
        unsigned distance = 0, length = deflate_find(d, at, &distance);
        if (length == 0) {
            deflate_literal(d, data[at]);
            length = 1;
        } else {
            deflate_match(d, length, distance);
        }
        for (unsigned i = 0; i < length; i++)
            deflate_note(d, at++);
    }
    deflate_literal(d, END_OF_BLOCK);
    deflate_bits(d, 0, 7); /* the last byte */
    unsigned char *out = d->out;
    *out_size = d->length;
    free(d);
    return out;
}
