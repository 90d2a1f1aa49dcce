/*
 * Links of free chunks, remembered while a heap is read in order of address, so that
 * whoever follows bins need not ask the kernel for each chunk. Small chunks only, as many
 * as there is room for: others are simply not known. State: in the caller's struct.
 */
#ifndef TOOL_LINKS_H
#define TOOL_LINKS_H

#include "source.h"

#include "core/chunk.h"

struct link {
    uint32_t fd, bk; /* units of 16 bytes from the base */
    uint32_t place;  /* where in its page, and the header's bits */
};

enum { LINKS_BYTES = 48 /* of a chunk: up to its dirty list */ };

struct links {
    struct link *link; /* reserved; those of a page side by side */
    uint32_t *page;    /* by page: where its links begin, and how many there are */
    uint64_t base;     /* chunks below it, or 64 GiB above it, are not remembered */
    const struct walk *walk;
    _Atomic uint32_t next; /* first link that no writer has */
};

/* One thread's part of the table. */
struct links_writer {
    struct links *links;
    uint32_t next, end;  /* its links that are unused */
    uint64_t page, from; /* what is being filled; nothing below is noted */
};

/* For chunks from address `low` on; false without memory. */
bool links_open(struct links *l, uint64_t low, const struct walk *walk);
void links_close(struct links *l);
/* For chunks behind `from`, in order of address within each heap. */
void links_write(struct links_writer *w, struct links *l, uint64_t from);
/* `raw`: the first 32 bytes of the free chunk at `address`, whose header is sound. */
void links_note(struct links_writer *w, uint64_t address, const void *raw);

/* Asks the processor for what links_find will look at: the page, then the links. */
void links_prefetch_page(const struct links *l, uint64_t address);
void links_prefetch(const struct links *l, uint64_t address);
/* The first LINKS_BYTES of a chunk, its footer and links of sizes as zeroes; or false. */
bool links_find(const struct links *l, uint64_t address, void *raw);

/* A reader without a window that knows the links, and asks the source for the rest. */
struct links_reader {
    struct source source; /* first: the struct is found from its reader */
    const struct links *links;
    void (*ask)(struct reader *r, const uint64_t *address, size_t count, void *buffer,
                size_t size);
};
void links_reader_open(struct links_reader *r, const struct links *links,
                       const struct source *source);

#endif
