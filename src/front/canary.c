/* Keyed bytes behind a block; see canary.h. No state. */
#include "front/canary.h"

#include "base/bits.h"
#include "core/heap.h"

#include <string.h>

enum { SLACK_WIDE = 255 };

#define CANARY_SALT 0xc4ceb9fe1a85ec53ULL
#define EACH_BYTE 0x0101010101010101ULL

size_t canary_slack(const unsigned char tail[CANARY_TAIL])
{
    uint64_t slack = tail[CANARY_TAIL - 1];
    if (slack == SLACK_WIDE)
        memcpy(&slack, tail, sizeof slack);
    return slack;
}

void canary_write_slack(void *mem, size_t bytes, size_t usable)
{
    uint64_t slack = usable - bytes;
    unsigned char *end = (unsigned char *)mem + usable;
    if (slack >= SLACK_WIDE) {
        memcpy(end - CANARY_TAIL, &slack, sizeof slack);
        end[-1] = SLACK_WIDE;
    } else {
        end[-1] = (unsigned char)slack;
    }
}

/* Eight keyed bytes. The high bit of each is set, so that no NUL, no small number and no
 * ASCII passes for one; the low two are the family plus 1. */
static uint64_t canary_word(const void *mem, size_t bytes, enum family family)
{
    uint64_t word = multiply_fold((uintptr_t)mem ^ heap_keys.address,
                                  bytes ^ heap_keys.word ^ CANARY_SALT);
    return (word & ~(0x83 * EACH_BYTE)) | (0x80 + (uint64_t)family + 1) * EACH_BYTE;
}

unsigned char canary_byte(const void *mem, size_t bytes, enum family family, size_t i)
{
    uint64_t word = canary_word(mem, bytes, family);
    unsigned char byte[8];
    memcpy(byte, &word, sizeof byte);
    return byte[i % 8];
}

/* Keyed bytes that fit in front of the record. */
static size_t canary_length(size_t slack)
{
    return min_size(slack - (slack >= SLACK_WIDE ? CANARY_TAIL : 1), CANARY_MOST);
}

HOT void canary_write(void *mem, size_t bytes, size_t usable, enum family family)
{
    size_t length = canary_length(usable - bytes);
    uint64_t word = canary_word(mem, bytes, family);
    unsigned char *at = (unsigned char *)mem + bytes;
    for (; length >= sizeof word; length -= sizeof word, at += sizeof word)
        memcpy(at, &word, sizeof word);
    for (; length != 0; length--, word >>= 8)
        *at++ = (unsigned char)word;
    canary_write_slack(mem, bytes, usable);
}

/* Compares up to 8 bytes at a time. */
static bool canary_equal(const unsigned char *at, size_t length, uint64_t word)
{
    uint64_t found;
    for (; length >= sizeof word; length -= sizeof word, at += sizeof word) {
        memcpy(&found, at, sizeof found);
        if (found != word)
            return false;
    }
    for (; length != 0; length--, word >>= 8)
        if (*at++ != (unsigned char)word)
            return false;
    return true;
}

HOT struct canary_finding canary_read(const void *mem, size_t usable)
{
    const unsigned char *end = (const unsigned char *)mem + usable;
    struct canary_finding f = {.bytes = usable};
    size_t slack = canary_slack(end - CANARY_TAIL);
    if (slack < CANARY_LEAST || slack > usable) {
        f.from = usable - 1;
        f.length = 1;
        f.family = FAMILY_ANY;
        return f;
    }
    f.bytes = f.from = usable - slack;
    f.length = canary_length(slack);
    unsigned low = end[-(ptrdiff_t)slack] & 3U;
    f.family = low == 0 ? FAMILY_MALLOC : (enum family)(low - 1);
    f.is_right = low != 0 && canary_equal(end - slack, f.length,
                                          canary_word(mem, f.bytes, f.family));
    return f;
}
