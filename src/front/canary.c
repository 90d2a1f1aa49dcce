/* Keyed bytes behind a block; see canary.h. No state. */
#include "front/canary.h"

enum {
    SLACK_WIDE = 255,
    SEARCH_SURE = 3,   /* keyed bytes that tell where they stood */
    SEARCH_MOST = 4096 /* no slack above it is looked for */
};

#define FF4 255, 255, 255, 255
const unsigned char canary_ramp[48] = {[24] = FF4, FF4, FF4, FF4, FF4, FF4};

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
    return (unsigned char)canary_turned(canary_word(canary_hash(mem), slack, family),
                                        offset);
}

size_t canary_length(size_t slack)
{
    return min_size(slack - (slack >= SLACK_WIDE ? CANARY_TAIL : 1), CANARY_MOST);
}

/* There are CANARY_MOST keyed bytes. */
static bool canary_is_full(size_t slack)
{
    return slack >= CANARY_MOST + CANARY_TAIL;
}

/* A word whose last bytes, by the mask, become keyed ones. */
static ALWAYS_INLINE void canary_merge(unsigned char *at, uint64_t word, uint64_t mask)
{
    canary_store(at, (canary_load(at) & ~mask) | (word & mask));
}

HOT void canary_write_hashed(void *mem, size_t bytes, size_t usable, enum family family,
                             uint64_t hash)
{
    size_t slack = usable - bytes;
    uint64_t key = canary_word(hash, slack, family);
    uint64_t word = canary_turned(key, bytes);
    unsigned char *at = (unsigned char *)mem + bytes, *end = at + slack;
    if (canary_is_full(slack)) {
        static_assert(CANARY_MOST == 4 * sizeof word, "as many as follow");
        canary_store(at, word);
        canary_store(at + 8, word);
        canary_store(at + 16, word);
        canary_store(at + 24, word);
    } else if (canary_is_short(slack)) {
        const unsigned char *mask = canary_ramp + slack;
        if (slack > 16)
            canary_merge(end - 24, key, canary_load(mask));
        canary_merge(end - 16, key, canary_load(mask + 8));
        canary_merge(end - 8, canary_last(key, slack), canary_load(mask + 16));
        return;
    } else {
        size_t left = canary_length(slack); /* at least 24 */
        for (; left >= sizeof word; left -= sizeof word, at += sizeof word)
            canary_store(at, word);
        for (; left != 0; left--, word >>= 8)
            *at++ = (unsigned char)word;
    }
    canary_write_slack(mem, bytes, usable);
}

void canary_write(void *mem, size_t bytes, size_t usable, enum family family)
{
    canary_write_hashed(mem, bytes, usable, family, canary_hash(mem));
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

/* How many keyed bytes are right from the first one on, or up to the last one. */
static size_t canary_left(const unsigned char *at, size_t length, uint64_t word)
{
    size_t first = 0, last = 0;
    while (first < length && at[first] == (unsigned char)canary_turned(word, first))
        first++;
    while (last < length && at[length - 1 - last] ==
                                (unsigned char)canary_turned(word, length - 1 - last))
        last++;
    return max_size(first, last);
}

/* The family of which keyed bytes are left, as many as do not come by chance. */
static enum family canary_family(const unsigned char *at, size_t slack, size_t usable,
                                 uint64_t hash)
{
    size_t length = canary_length(slack), sure = length < 8 ? 1 : 2;
    for (enum family f = FAMILY_MALLOC; f < FAMILY_ANY; f++) {
        uint64_t word = canary_turned(canary_word(hash, slack, f), usable - slack);
        if (canary_left(at, length, word) >= sure)
            return f;
    }
    return FAMILY_ANY;
}

bool canary_is_backed(const unsigned char *at, size_t slack, size_t usable,
                      uint64_t hash)
{
    /* The least slack has one keyed byte, which is the first to be overwritten. */
    return slack == CANARY_LEAST ||
           canary_family(at, slack, usable, hash) != FAMILY_ANY;
}

/* Of a block behind which something is wrong. */
static COLD struct canary_finding canary_judge(const void *mem, size_t usable,
                                               size_t slack)
{
    struct canary_finding f = {.bytes = usable - CANARY_LEAST, .family = FAMILY_ANY};
    uint64_t hash = canary_hash(mem);
    if (!canary_can_be(slack, usable))
        return f;
    const unsigned char *at = (const unsigned char *)mem + usable - slack;
    f.is_known = canary_is_backed(at, slack, usable, hash);
    if (!f.is_known)
        return f;
    f.family = canary_family(at, slack, usable, hash);
    f.bytes = f.from = usable - slack;
    f.length = canary_length(slack);
    return f;
}

struct canary_finding canary_read(const void *mem, size_t usable)
{
    const unsigned char *end = (const unsigned char *)mem + usable;
    size_t slack = canary_slack(end - CANARY_TAIL);
    unsigned low = canary_can_be(slack, usable) ? end[-(ptrdiff_t)slack] & 3U : 0;
    if (UNLIKELY(low == 0))
        return canary_judge(mem, usable, slack);
    struct canary_finding f = {.is_right = true,
                               .is_known = true,
                               .bytes = usable - slack,
                               .family = (enum family)(low - 1),
                               .from = usable - slack,
                               .length = canary_length(slack)};
    uint64_t word = canary_word(canary_hash(mem), slack, f.family);
    if (LIKELY(canary_equal(end - slack, f.length, canary_turned(word, f.from))))
        return f;
    return canary_judge(mem, usable, slack);
}

/* The least slack of which the first keyed bytes stand. */
COLD struct canary_finding canary_search(const void *mem, size_t usable)
{
    const unsigned char *end = (const unsigned char *)mem + usable;
    struct canary_finding f = canary_read(mem, usable);
    size_t most = f.is_known ? 0 : min_size(usable, SEARCH_MOST);
    for (size_t slack = SEARCH_SURE + 1; slack <= most; slack++) {
        unsigned low = end[-(ptrdiff_t)slack] & 3U;
        enum family family = low == 0 ? FAMILY_ANY : (enum family)(low - 1);
        uint64_t word = canary_word(canary_hash(mem), slack, family);
        if (low == 0 || !canary_equal(end - slack, SEARCH_SURE,
                                      canary_turned(word, usable - slack)))
            continue;
        f.family = family;
        f.from = usable - slack;
        f.length = canary_length(slack);
        break;
    }
    return f;
}

HOT size_t canary_asked_wide(const void *mem, size_t usable, enum family family,
                             uint64_t hash)
{
    const unsigned char *end = (const unsigned char *)mem + usable;
    size_t slack = canary_slack(end - CANARY_TAIL);
    if (slack < CANARY_LEAST || slack > usable)
        return CANARY_NONE;
    const unsigned char *at = end - slack;
    uint64_t word = canary_turned(canary_word(hash, slack, family), usable - slack);
    if (LIKELY(canary_is_full(slack)))
        return ((canary_load(at) ^ word) | (canary_load(at + 8) ^ word) |
                (canary_load(at + 16) ^ word) | (canary_load(at + 24) ^ word)) == 0
                   ? usable - slack
                   : CANARY_NONE;
    return canary_equal(at, canary_length(slack), word) ? usable - slack : CANARY_NONE;
}
