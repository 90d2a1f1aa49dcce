/* Keyed bytes behind a block; see canary.h. No state. */
#include "front/canary.h"

enum { SLACK_WIDE = 255 };

#define FF4 255, 255, 255, 255
const unsigned char canary_ramp[48] = {[24] = FF4, FF4, FF4, FF4, FF4, FF4};

const uint64_t canary_family[4] = {0x81 * EACH_BYTE, 0x82 * EACH_BYTE,
                                   0x83 * EACH_BYTE};

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

/* The keyed word as it reads from `offset` on. */
static uint64_t canary_turned(uint64_t word, size_t offset)
{
    unsigned bits = 8 * (unsigned)(offset % sizeof word);
    return word >> bits | word << (64 - bits) % 64;
}

unsigned char canary_byte(const void *mem, size_t slack, enum family family,
                          size_t offset)
{
    return (unsigned char)canary_turned(canary_word(mem, slack, family), offset);
}

/* Keyed bytes that fit in front of the record. */
static size_t canary_length(size_t slack)
{
    return min_size(slack - (slack >= SLACK_WIDE ? CANARY_TAIL : 1), CANARY_MOST);
}

void canary_write(void *mem, size_t bytes, size_t usable, enum family family)
{
    size_t slack = usable - bytes, length = canary_length(slack);
    uint64_t word = canary_turned(canary_word(mem, slack, family), bytes);
    unsigned char *at = (unsigned char *)mem + bytes;
    for (; length >= sizeof word; length -= sizeof word, at += sizeof word)
        canary_store(at, word);
    for (; length != 0; length--, word >>= 8)
        *at++ = (unsigned char)word;
    canary_write_slack(mem, bytes, usable);
}

/* Compares up to 8 bytes at a time. */
static bool canary_equal(const unsigned char *at, size_t length, uint64_t word)
{
    for (; length >= sizeof word; length -= sizeof word, at += sizeof word)
        if (canary_load(at) != word)
            return false;
    for (; length != 0; length--, word >>= 8)
        if (*at++ != (unsigned char)word)
            return false;
    return true;
}

struct canary_finding canary_read(const void *mem, size_t usable)
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
    uint64_t word = canary_turned(canary_word(mem, slack, f.family), f.from);
    f.is_right = low != 0 && canary_equal(end - slack, f.length, word);
    return f;
}

size_t canary_asked_wide(const void *mem, size_t usable, enum family family)
{
    const unsigned char *end = (const unsigned char *)mem + usable;
    size_t slack = canary_slack(end - CANARY_TAIL);
    if (slack < CANARY_LEAST || slack > usable)
        return CANARY_NONE;
    uint64_t word = canary_turned(canary_word(mem, slack, family), usable - slack);
    return canary_equal(end - slack, canary_length(slack), word) ? usable - slack
                                                                 : CANARY_NONE;
}
