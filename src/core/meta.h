/*
 * Memory for Chunky's own structures, in mappings of its own, never beside user
 * chunks. Guarded by a lock of rank META. Notes: docs/notes/meta.md
 */
#ifndef CHUNKY_CORE_META_H
#define CHUNKY_CORE_META_H

#include "os/lock.h"

#include <stddef.h>

enum {
    META_MIN_LOG2 = 6,  /* 64 bytes */
    META_MAX_LOG2 = 16, /* 64 KiB; larger ones are mapped alone */
    META_REGION = 256 * 1024
};

/* One mapping; the list of them is what an inspector counts as metadata. */
struct meta_region {
    struct meta_region *next; /* older region, or NULL */
    size_t size;              /* of the mapping, bytes */
};

struct meta_block {
    struct meta_block *next; /* free block of the same size */
};

struct meta {
    struct lock lock;
    struct meta_region *regions;                /* newest first */
    char *bump;                                 /* unused part of the newest */
    char *end;                                  /* its end */
    struct meta_block *free[META_MAX_LOG2 + 1]; /* by log2 of size */
    size_t mapped;                              /* bytes of all regions */
    size_t used;                                /* bytes taken and not given back */
};

extern struct meta meta;

/* Zeroed memory of at least `bytes`, aligned to 64. NULL and ENOMEM on failure. */
void *meta_take(size_t bytes);
/* `bytes` as it was taken with. */
void meta_give(void *block, size_t bytes);

/* Up to `count` blocks of at most 64 KiB at once: a list through their first words, all
 * else in them is anything. NULL and ENOMEM if there is none. */
void *meta_take_list(size_t bytes, unsigned count);
/* Gives such a list back; it may be NULL. */
void meta_give_list(void *list, size_t bytes);

#endif
