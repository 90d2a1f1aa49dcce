/*
 * The memory that libchunky-record.so and `chunky play --record` share: what a program
 * asked its allocator for, in order. Slots are taken by one atomic addition, so neither
 * threads nor signal handlers wait for each other, and a program that is killed leaves
 * all that it had written.
 */
#ifndef TOOL_RECORD_LOG_H
#define TOOL_RECORD_LOG_H

#include <stdatomic.h>
#include <stdint.h>

#define RECORD_VARIABLE "CHUNKY_RECORD" /* environment: the path of the log */
#define RECORD_MAGIC 0x31676f6c796b6e63ULL

enum { RECORD_NAME = 64 };

/* A block is entered as freed before the call and as taken after it: then its address
 * never means two blocks at once, whatever other threads do. */
enum record_verb {
    RECORD_NOTHING, /* slot taken, not yet filled */
    RECORD_MALLOC,
    RECORD_CALLOC,
    RECORD_MEMALIGN,
    RECORD_REALLOC, /* its old block is the thread's last RECORD_LEAVE */
    RECORD_LEAVE,   /* realloc begins */
    RECORD_FREE
};

struct record_entry {
    _Atomic uint32_t verb; /* stored last */
    uint32_t thread;       /* from 1, in the order of their first call */
    uint64_t block;        /* result, or what leaves */
    uint64_t a, b;         /* as in the call; a: alignment or count */
};

struct record_log {
    uint64_t magic;
    uint64_t limit;              /* calls that are kept */
    uint64_t slots;              /* twice as many: a realloc has two */
    _Atomic uint64_t next;       /* slots taken, and those that were there no more */
    _Atomic uint64_t calls;      /* of the program */
    _Atomic uint32_t owner;      /* process that is recorded, 0: none yet */
    _Atomic uint32_t threads;    /* seen so far */
    char wanted[RECORD_NAME];    /* name of the program; empty: the first one */
    struct record_entry entry[]; /* slots of them */
};

#endif
