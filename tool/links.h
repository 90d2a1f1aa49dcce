/*
 * Links of free chunks, remembered while a process is read in order of address, so that
 * whoever follows bins need not ask the kernel for each chunk. A bounded table of small
 * chunks: what it has no room for is simply not known. State: in the caller's struct.
 */
#ifndef TOOL_LINKS_H
#define TOOL_LINKS_H

#include "core/chunk.h"

struct link {
    uint32_t at; /* units of 16 bytes from the base; 0: none */
    uint32_t fd, bk;
    uint16_t bits, check; /* of the header */
};

enum {
    LINKS_WAYS = 4,
    LINKS_LATE = 16,
    LINKS_BYTES = 48 /* of a chunk: up to its dirty list */
};

struct links {
    struct link (*set)[LINKS_WAYS];
    uint64_t sets;
    uint64_t base; /* chunks below it, or 64 GiB above it, are not remembered */
    /* Noted, and on their way into sets that are being fetched. */
    struct link late[LINKS_LATE];
    unsigned late_next;
};

/* For an arena of `bytes` around `address`. */
void links_open(struct links *l, uint64_t address, uint64_t bytes);
void links_close(struct links *l);
/* `raw`: the first 32 bytes of the free chunk at `address`. */
void links_note(struct links *l, uint64_t address, const void *raw);
/* After the last note, and before any thread asks. */
void links_flush(struct links *l);
/* Asks for what links_find will look at. */
void links_prefetch(const struct links *l, uint64_t address);
/* The first LINKS_BYTES of a chunk, its footer and links of sizes as zeroes; or false. */
bool links_find(const struct links *l, uint64_t address, void *raw);

#endif
