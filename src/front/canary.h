/*
 * The slack of a block: how many bytes were asked for, and, at level 1 and above, keyed
 * bytes from there to the end of the block that nobody may touch. Pure but for the keys.
 *
 *   mem | bytes asked | canary ... | slack           (slack < 255: one byte)
 *   mem | bytes asked | canary ... | slack, 8 bytes | 255
 * Notes: docs/notes/checks.md#canary
 */
#ifndef CHUNKY_FRONT_CANARY_H
#define CHUNKY_FRONT_CANARY_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CANARY_TAIL = 9,   /* most bytes of the record at the end */
    CANARY_LEAST = 2,  /* slack that level 1 always has: a keyed byte, and the record */
    CANARY_MOST = 1024 /* no more keyed bytes than this, from the block's end on */
};

/* Which call a block came from; the keyed bytes carry it. */
enum family { FAMILY_MALLOC, FAMILY_NEW, FAMILY_NEW_ARRAY, FAMILY_ANY };

/* The slack that the last bytes before the block's end record. */
size_t canary_slack(const unsigned char tail[CANARY_TAIL]);

/* Writes only the record; slack is at least 1. */
void canary_write_slack(void *mem, size_t bytes, size_t usable);
/* Writes keyed bytes and record; usable - bytes >= CANARY_LEAST. */
void canary_write(void *mem, size_t bytes, size_t usable, enum family family);

/* What was found behind a block. */
struct canary_finding {
    bool is_right;
    size_t bytes;       /* asked, as recorded; usable if the record is broken */
    enum family family; /* that the keyed bytes carry */
    size_t from;        /* offset of the first keyed byte; its right value is below */
    size_t length;      /* keyed bytes */
};
struct canary_finding canary_read(const void *mem, size_t usable);

/* Right value of the keyed byte number `i` behind a block of `bytes`. */
unsigned char canary_byte(const void *mem, size_t bytes, enum family family, size_t i);

#endif
