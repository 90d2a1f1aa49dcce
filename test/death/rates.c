/* Detection rates of the header check and of the canary under random corruption, in
 * numbers: rates [TRIALS]. The same in every run, so that a limit is met or is not. */
#include "core/heap.h"
#include "front/canary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 };

struct chunk_keys heap_keys;

static uint64_t rates_state = 0x9e3779b97f4a7c15ULL;
static _Alignas(2 * ROOM) unsigned char arena_bytes[2 * ROOM];
static unsigned failures;

static uint64_t rates_random(void)
{
    uint64_t z = rates_state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* Prints one line; more than one miss in `least` trials fails the test. */
static void rates_line(const char *kind, uint64_t trials, uint64_t missed,
                       uint64_t least)
{
    printf("%-58s %10" PRIu64 " %8" PRIu64 "   ", kind, trials, missed);
    if (missed == 0)
        printf("none\n");
    else
        printf("1 in %" PRIu64 "\n", trials / missed);
    if (missed > trials / least) {
        printf("  more than 1 in %" PRIu64 "\n", least);
        failures++;
    }
}

/* New ones for each trial: with the same secrets a flipped flag passes in all blocks of
 * a region or in none, so that trials would come in clumps. Addresses count only by
 * their difference from the key: where the loader put us makes none. */
static void rates_secrets(void)
{
    heap_keys.address = rates_random() ^ (uintptr_t)arena_bytes;
    heap_keys.word = rates_random();
}

/* A live header somewhere, with a plausible size. */
static struct chunk *rates_chunk(void)
{
    struct chunk *c = (struct chunk *)(void *)(arena_bytes + rates_random() % 64 * 16);
    size_t size = 32 + rates_random() % 4096 * 16;
    chunk_set_idle(&heap_keys, c, size, rates_random() % 2 ? PREV_INUSE : 0);
    chunk_flip(c);
    return c;
}

enum change {
    CHANGE_ALL,
    CHANGE_SIZE,
    CHANGE_LOW_2,
    CHANGE_BYTE,
    CHANGE_FLAG,
    CHANGE_TEXT,
    CHANGE_REPLAY,
    CHANGES
};

static const char *const change_names[CHANGES] = {
    "header: all 8 bytes random",
    "header: size and flags random, check kept",
    "header: two low bytes random, check kept",
    "header: one random byte changed",
    "header: one of M, A, R flipped",
    "header: 8 bytes of text",
    "header: a right one of another address",
};

/* Changes the header word; false when the result is what was there, or differs in P. */
static bool rates_change(struct chunk *c, enum change kind)
{
    unsigned char *word = (unsigned char *)c + 8;
    uint64_t before, after, random = rates_random();
    memcpy(&before, word, sizeof before);
    after = before;
    switch (kind) {
    case CHANGE_ALL:
        after = random;
        break;
    case CHANGE_SIZE:
        after = (before & 0xffff000000000000) | (random >> 16);
        break;
    case CHANGE_LOW_2:
        after = (before & ~(uint64_t)0xffff) | (random & 0xffff);
        break;
    case CHANGE_BYTE:
        after ^= (1 + (random >> 8) % 255) << (random % 8 * 8);
        break;
    case CHANGE_FLAG:
        after ^= (uint64_t)2 << random % 3;
        break;
    case CHANGE_TEXT:
        after = (random & 0x1f1f1f1f1f1f1f1f) | 0x6060606060606060;
        break;
    default: {
        struct chunk *other =
            (struct chunk *)(void *)(arena_bytes + ROOM + random % 64 * 16);
        chunk_set_idle(&heap_keys, other, 32 + (random >> 8) % 4096 * 16, PREV_INUSE);
        chunk_flip(other);
        memcpy(&after, (unsigned char *)other + 8, sizeof after);
    }
    }
    memcpy(word, &after, sizeof after);
    return ((before ^ after) & ~(uint64_t)PREV_INUSE) != 0;
}

static void rates_headers(uint64_t trials)
{
    for (unsigned kind = 0; kind < CHANGES; kind++) {
        uint64_t tried = 0, missed = 0;
        while (tried < trials) {
            rates_secrets();
            struct chunk *c = rates_chunk();
            if (!rates_change(c, (enum change)kind))
                continue;
            tried++;
            missed += chunk_is_live(&heap_keys, c);
        }
        rates_line(change_names[kind], tried, missed, 60000);
    }
}

enum write { WRITE_NUL, WRITE_ASCII, WRITE_RANDOM };

static unsigned char rates_byte(enum write what)
{
    unsigned char random = (unsigned char)rates_random();
    return what == WRITE_NUL ? 0 : what == WRITE_ASCII ? random & 0x7f : random;
}

static void rates_overflow(const char *name, uint64_t trials, size_t length,
                           enum write what, uint64_t least)
{
    uint64_t missed = 0, tried = 0;
    while (tried < trials) {
        rates_secrets();
        unsigned char *mem = arena_bytes + rates_random() % 16 * 16;
        size_t bytes = rates_random() % 500;
        size_t usable = (bytes + CANARY_LEAST + 8 + 15) / 16 * 16 - 8;
        unsigned char before[64];
        if (usable < 24)
            usable = 24;
        canary_write(mem, bytes, usable, FAMILY_MALLOC);
        memcpy(before, mem + bytes, sizeof before);
        for (size_t i = 0; i < length; i++)
            mem[bytes + i] = rates_byte(what);
        size_t slack = usable - bytes;
        if (memcmp(before, mem + bytes, slack < length ? slack : length) == 0)
            continue; /* nothing of the slack has changed */
        tried++;
        struct canary_finding f = canary_read(mem, usable);
        missed += f.is_right && f.family == FAMILY_MALLOC;
    }
    rates_line(name, trials, missed, least);
}

int main(int argc, char **argv)
{
    uint64_t trials = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    printf("%-58s %10s %8s   %s\n", "corruption", "trials", "missed", "rate");
    rates_headers(trials);
    trials /= 8;
    rates_overflow("canary: 1 byte too far, NUL", trials, 1, WRITE_NUL, 2 * trials);
    rates_overflow("canary: 1 byte too far, ASCII", trials, 1, WRITE_ASCII, 2 * trials);
    rates_overflow("canary: 1 random byte too far", trials, 1, WRITE_RANDOM, 200);
    rates_overflow("canary: 8 random bytes too far", trials, 8, WRITE_RANDOM, 10000);
    rates_overflow("canary: 32 random bytes too far", trials, 32, WRITE_RANDOM, 10000);
    return failures != 0;
}
