/*
 * Reading memory that may be another process's: one function, and a window over what it
 * read last, so that a walk in address order costs one call a megabyte. A reader of the
 * own process has all of memory as its window. Notes: docs/notes/inspector.md#readers
 */
#ifndef CHUNKY_AUDIT_READER_H
#define CHUNKY_AUDIT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
    /* Copies up to `size` bytes at `address`; returns how many came before the first
     * that cannot be read. */
    size_t (*read)(struct reader *r, uint64_t address, void *buffer, size_t size);
    /* Copies `size` bytes from each of `count` addresses; what cannot be read becomes
     * zeroes. NULL: single reads cost no more. */
    void (*gather)(struct reader *r, const uint64_t *address, size_t count,
                   void *buffer, size_t size);
    /* Makes the window hold [address, address + size) if it can. NULL: no window. */
    bool (*fill)(struct reader *r, uint64_t address, size_t size);
    uint64_t start;   /* of the window */
    uint64_t length;  /* bytes of it that are there */
    uintptr_t window; /* where they are in this process */
    bool is_live;     /* the memory may change while it is read */
};

/* All of the calling process's memory; what is not mapped must not be asked for. */
void reader_own(struct reader *r);

static inline bool reader_has(const struct reader *r, uint64_t address, size_t size)
{
    return address - r->start < r->length && size <= r->length - (address - r->start);
}

/* `size` bytes at `address`, until the next call; NULL if they cannot be read. */
static inline const void *reader_peek(struct reader *r, uint64_t address, size_t size)
{
    if (!reader_has(r, address, size) &&
        (r->fill == NULL || !r->fill(r, address, size) ||
         !reader_has(r, address, size)))
        return NULL;
    return (const void *)(r->window + (uintptr_t)(address - r->start));
}

/* All of `size` bytes, or false. */
static inline bool reader_get(struct reader *r, uint64_t address, void *out,
                              size_t size)
{
    if (reader_has(r, address, size)) {
        memcpy(out, (const void *)(r->window + (uintptr_t)(address - r->start)), size);
        return true;
    }
    return r->read(r, address, out, size) == size;
}

#endif
