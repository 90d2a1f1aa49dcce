/*
 * The heap's description of itself: one exported object, chunky_root, from which a
 * foreign process finds everything, and a table that says where in our structs each
 * field lies, so that a tool reads builds other than its own. The numbers of the fields
 * are for ever: new ones are appended. Notes: docs/notes/inspector.md#layout
 */
#ifndef CHUNKY_AUDIT_LAYOUT_H
#define CHUNKY_AUDIT_LAYOUT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_MAGIC "chunky heap root" /* 16 bytes, no NUL */
#define LAYOUT_SYMBOL "chunky_root"

enum {
    LAYOUT_FIRST = 1, /* oldest major that can be read */
    LAYOUT_MAJOR = 3, /* chunk format, bins' geometry, meaning of fields and of root */
    LAYOUT_MINOR = 0, /* appended fields */
    LAYOUT_MAGIC_SIZE = 16
};

/* In prev_size of a guarded block: its record's number, not that of a mapped chunk. */
#define GUARD_MARK ((uint64_t)1 << 63)

enum layout_id {
    /* Fields named S_SIZE have the size of the struct itself. */
    ARENA_SIZE,
    ARENA_LOCK,
    ARENA_INDEX,
    ARENA_FLAGS,
    ARENA_GENERATION,
    ARENA_THREADS,
    ARENA_NEXT,
    ARENA_TUNE,
    ARENA_HEAPS,
    ARENA_TOP_HEAP,
    ARENA_TOP,
    ARENA_TOP_CLEAN,
    ARENA_HEAP_BYTES,
    ARENA_FREE_BYTES,
    ARENA_FAST_BYTES,
    ARENA_FAST,
    ARENA_UNSORTED,
    ARENA_BINS,
    ARENA_BIN_MAP,
    ARENA_DIRTY_OLDEST,
    ARENA_DIRTY_NEWEST,
    ARENA_DIRTY_BYTES,
    ARENA_WIDENED,
    ARENA_PURGING,
    ARENA_DEPOT_FULL,
    ARENA_DEPOT_BYTES,
    ARENA_REMOTE_LIST,
    ARENA_REMOTE_BYTES,
    ARENA_COUNTS,
    HEAP_STRUCT_SIZE,
    HEAP_MAGIC_WORD,
    HEAP_ARENA,
    HEAP_NEXT,
    HEAP_START,
    HEAP_END,
    HEAP_LIMIT,
    HEAP_FIRST,
    HEAP_KIND,
    HEAP_FLAGS,
    MAGAZINE_SIZE,
    MAGAZINE_NEXT,
    MAGAZINE_CLASS,
    MAGAZINE_COUNT,
    MAGAZINE_SLOT,
    CACHE_SIZE,
    CACHE_STACK,
    CACHE_STATE,
    CACHE_NEXT,
    CACHE_PREV,
    CACHE_ARENA,
    CACHE_SPARE,
    CACHE_SPARES,
    CACHE_THREAD,
    CACHE_CAPACITY,
    STACK_SIZE,
    STACK_TOP,
    STACK_LIMIT,
    STATE_SIZE,
    STATE_BASE,
    STATE_ROOM,
    STATE_ALLOWED,
    MAPPED_ALL_SIZE,
    MAPPED_LIVE,
    MAPPED_KEPT,
    MAPPED_SLOTS,
    MAPPED_SLOT_COUNT,
    MAPPED_SLOT_FREE,
    MAPPED_COUNT,
    MAPPED_BYTES,
    MAPPED_KEPT_BYTES,
    MAPPED_PEAK_COUNT,
    MAPPED_PEAK_BYTES,
    MAPPED_MAPS,
    MAPPED_UNMAPS,
    MAPPED_REMAPS,
    MAPPED_REUSES,
    MAPPED_SIZE,
    MAPPED_NEXT,
    MAPPED_PREV,
    MAPPED_START,
    MAPPED_LENGTH,
    MAPPED_CHUNK,
    MAPPED_SINCE,
    MAPPED_SLOT,
    META_SIZE,
    META_REGIONS,
    META_BUMP,
    META_END,
    META_MAPPED,
    META_USED,
    REGION_SIZE,
    REGION_NEXT,
    REGION_BYTES,
    SPARE_SIZE,
    SPARE_FIRST,
    SPARE_COUNT,
    TUNE_SIZE,
    TUNE_CACHE_BYTES,
    TUNE_CACHE_TOTAL,
    TUNE_DEPOT_BYTES,
    TUNE_FAST_MAX,
    TUNE_FAST_BYTES,
    TUNE_MMAP_THRESHOLD,
    TUNE_MMAP_THRESHOLD_MAX,
    TUNE_MMAP_MAX,
    TUNE_TRIM_THRESHOLD,
    TUNE_TOP_PAD,
    TUNE_PURGE_BASE,
    TUNE_PURGE_PERCENT,
    TUNE_PURGE_HOLD_MS,
    TUNE_ARENA_MAX,
    TUNE_ARENA_TEST,
    TUNE_CHECK,
    TUNE_REQUEST,
    TUNE_PERTURB,
    TUNE_DYNAMIC,
    ARENA_KIND,
    ARENA_NAME_TEXT,
    ARENA_LIMIT,
    ARENA_USED,
    ARENA_BLOCKS,
    MAPPED_OWNER,
    TUNE_CONTROL,
    CACHE_QUARANTINE,
    QUARANTINE_SIZE,
    QUARANTINE_QUEUE_FIELD,
    QUARANTINE_CHANCE_FIELD,
    CACHE_BUDGET,
    TUNE_GUARD_RATE,
    /* Present at check=3. Those called _AT lie at a signed distance from chunky_root. */
    GUARDS_SLOTS_AT,
    GUARDS_USED_AT,
    GUARD_RECORD_SIZE,
    GUARD_RECORD_BYTES,
    GUARD_RECORD_STATE,
    GUARD_RECORD_DEPTH,
    GUARD_RECORD_STACK,
    GUARDS_START_AT, /* the reserve: words like the first two */
    GUARDS_BUMP_AT,  /* from here on it was never used */
    GUARDS_END_AT,
    GUARDS_ROOM_AT, /* bytes of the records' own mapping */
    GUARD_RECORD_MEM,
    GUARD_RECORD_FROM,
    GUARD_RECORD_TO,
    GUARD_RECORD_CLASS,
    GUARD_RECORD_THREAD,
    GUARD_RECORD_GIVEN_DEPTH,
    GUARD_RECORD_GIVEN_STACK,
    GUARD_RECORD_GIVEN_THREAD,
    MAPPED_LOCK,
    META_LOCK,
    MAGAZINE_HIGH, /* major 1: absent, and a slot is an address */
    LAYOUT_FIELDS,
    LAYOUT_ROOM = 256 /* most fields that a reader takes */
};

/* Where a field lies in its struct. Size 0: this build has no such field. */
struct layout_field {
    uint32_t offset;
    uint16_t size;  /* of one element */
    uint16_t count; /* elements; 1 unless it is an array */
};

/* Addresses are those of the process it lies in. Members are never moved or removed;
 * `size` tells which of the last ones exist. */
struct root {
    char magic[LAYOUT_MAGIC_SIZE];
    const struct root *self; /* its own address: tells the real one from copies */
    uint32_t major;
    uint32_t minor;
    uint32_t size; /* of this struct */
    uint32_t field_count;
    const void *fields;      /* array of struct layout_field, by enum layout_id */
    const void *arena_main;  /* struct arena */
    const void *mapped;      /* struct mapped_state */
    const void *meta;        /* struct meta */
    const void *cache_list;  /* address of the pointer to the first struct cache */
    const void *spare;       /* struct heap_spare */
    const void *keys;        /* struct chunk_keys */
    const void *class_sizes; /* array of class_count sizes, each class_width bytes */
    uint32_t class_width;
    uint32_t class_count;
    uint32_t fast_count;
    uint32_t bin_count;
    uint32_t magazine_slots;
    uint32_t page;       /* page size, bytes; 0 before the process has started */
    uint64_t heap_span;  /* alignment and reserved size of a spanned heap */
    uint64_t meta_large; /* metadata blocks beyond this have their own mapping */
    char version[16];    /* "0.1.0" */
    char build[16];      /* "release", "debug" or "audit" */
};

/* Value of a field in a copy of its struct, of this layout; 0 if it is absent. */
static inline uint64_t layout_value(const struct layout_field *f, const void *copy)
{
    const unsigned char *at = (const unsigned char *)copy + f->offset;
    uint64_t value = 0;
    for (unsigned i = 0; i < f->size && i < sizeof value; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

#endif
