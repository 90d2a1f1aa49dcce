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
    META_REGION = 256 * 1024,
    META_PAGES = 64,     /* most of a region */
    META_SPARE_LOG2 = 8, /* blocks of this size go back by pages: magazines */
    META_SPARES = 4096   /* once so many more of them lie idle, it is looked at */
};

/* One mapping; the list of them is what an inspector counts as metadata. */
struct meta_region {
    struct meta_region *next;  /* older region, or NULL */
    size_t size;               /* of the mapping, bytes */
    uint64_t spare;            /* bit: no block of this page is taken, or in a list */
    uint16_t idle[META_PAGES]; /* by page, idle blocks that may be spared; of a trim */
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
    size_t spares;                              /* blocks in free[META_SPARE_LOG2] */
    size_t spares_most; /* beyond so many of them a trim looks for whole pages */
    size_t spare_pages; /* bits in all regions' `spare` */
    bool trimming;      /* somebody does */
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

/* Gives whole pages of idle blocks back to the system, if many lie idle, or in any case. No
 * lock is held across the system calls, and none of an arena may be. */
void meta_trim(bool all);

#endif
