/*
 * The snapshot file: pages without their zeroes, an index by address, the mappings, what
 * was resident. Little-endian; every part carries a checksum, and the header the length,
 * so that a cut or damaged file is told. Notes: docs/notes/inspector.md#snapshots
 */
#ifndef CHUNKY_AUDIT_SNAPSHOT_H
#define CHUNKY_AUDIT_SNAPSHOT_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SNAPSHOT_MAGIC "chunkysnapshot\1" /* 16 bytes with its NUL */

enum {
    SNAPSHOT_VERSION = 1,
    SNAPSHOT_HAS_BYTES = 1, /* flag: what programs stored is in it */
    SNAPSHOT_PAGE = 4096,   /* pages in the file, whatever the system's are */
    SNAPSHOT_WORDS = SNAPSHOT_PAGE / 8,
    SNAPSHOT_MAP_WORDS = SNAPSHOT_WORDS / 64
};

struct snapshot_header {
    char magic[16];
    uint32_t version;
    uint32_t flags;
    uint64_t length; /* of the file */
    uint64_t root;   /* address of chunky_root */
    uint64_t pid;
    uint64_t seconds; /* since 1970, when it was taken */
    uint64_t text;    /* offset: title, then mappings as in /proc/PID/maps */
    uint64_t text_size;
    uint64_t resident; /* offset: {start, end} of resident memory, by address */
    uint64_t resident_count;
    uint64_t index; /* offset: struct snapshot_page, by address */
    uint64_t index_count;
    uint64_t check;        /* of text, resident and index together */
    uint64_t header_check; /* of all members before */
};

/* A bitmap of the words that are not zero, then those words. */
struct snapshot_page {
    uint64_t address;
    uint64_t offset;
    uint32_t size;
    uint32_t check;
};

/* A checksum against accidents; goes on from `sum`. */
static inline uint64_t snapshot_check(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *at = data;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        sum = multiply_fold(sum ^ word, 0x9e3779b97f4a7c15u) + 1;
    }
    for (; size > 0; size--, at++)
        sum = multiply_fold(sum ^ *at, 0xd6e8feb86659fd93u) + 1;
    return sum;
}

#endif
