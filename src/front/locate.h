/*
 * Which block an address belongs to: a walk over heaps that may be damaged, through
 * safe reads. Takes no lock but, if it is free, that of the arena found. One caller at
 * a time (the report's lock).
 */
#ifndef CHUNKY_FRONT_LOCATE_H
#define CHUNKY_FRONT_LOCATE_H

#include "base/say.h"
#include "core/arena.h"
#include "core/cache.h"
#include "core/mapped.h"

#include <stdbool.h>

enum view_kind {
    VIEW_NONE, /* no such neighbour */
    VIEW_LIVE,
    VIEW_IDLE,
    VIEW_TOP,
    VIEW_FENCE, /* end of the heap */
    VIEW_WRONG  /* the header is not what Chunky wrote */
};

/* A header as it was read. */
struct view {
    uintptr_t chunk;
    enum view_kind kind;
    uint64_t prev_size;
    uint32_t bits;
    size_t size;  /* of a wrong header: up to the next right one */
    size_t bytes; /* asked, if recorded; else usable */
    bool recorded;
    bool overwritten; /* the record was: bytes is the most that can have been asked */
};

enum locate_kind {
    LOCATED_NOWHERE, /* no memory of Chunky's */
    LOCATED_SPARE,   /* in a heap that was destroyed, or had no block left */
    LOCATED_RECORDS, /* in Chunky's own structures */
    LOCATED_HEAP,    /* from here on: memory for blocks */
    LOCATED_MAPPED,
    LOCATED_KEPT,    /* a freed mapping */
    LOCATED_NO_CHUNK /* in a heap's address range, but in no chunk */
};

struct located {
    enum locate_kind kind;
    struct arena *arena;
    struct heap heap; /* a copy */
    struct view before, at, after;
    uintptr_t walked_to; /* where a walk met the first wrong header, else 0 */
    size_t walked_size;  /* from there to the next right one */
    bool locked;         /* the arena's lock is ours to give back */
};

/* The chunk whose header or memory holds `address`. */
void locate(uintptr_t address, struct located *l);
/* Gives the lock back. */
void locate_done(const struct located *l);

/* What the header at walked_to should be; false if that cannot be worked out. */
bool locate_header(const struct located *l, uint64_t *header);

/* Reads the header at `chunk`; false if it cannot be read. */
bool locate_view(uintptr_t chunk, struct view *v);

/* Where an idle chunk rests: "cache of thread 12", "fast bin 0x30", ... */
void locate_say(struct text *t, const struct located *l);

#endif
