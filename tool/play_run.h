/*
 * Runs a script in a session and tells after each step: who owns which block,
 * how far each heap ever reached, what the step did.
 */
#ifndef TOOL_PLAY_RUN_H
#define TOOL_PLAY_RUN_H

#include "play_heap.h"

enum { PLAY_EXTENTS = 32 };

/* How far a region is ever used, so that a strip drawn at the start fits at the end. */
struct play_extent {
    char name[32];
    uint64_t bytes;
};

/* Which variable a block was given to, by mem. */
struct play_owner {
    uint64_t mem;
    unsigned op; /* number of the operation */
    int name;    /* index of the variable, -1: none */
};

/* What of the heap is read after a step. */
enum run_look { RUN_WHOLE, RUN_OUTLINE, RUN_BLIND };

struct play_run {
    const struct play_script *script;
    struct play_session session;
    struct play_heap heap; /* after the last step */
    uint64_t *value;       /* of each variable */
    size_t values, value_room;
    struct play_owner *owner;  /* hash table by mem */
    size_t owners, owner_room; /* room is a power of two */
    struct play_extent extent[PLAY_EXTENTS];
    size_t extents;
    uint64_t mem; /* block that the last step was about, or 0 */
    enum run_look look;
    bool is_read;             /* the heap, wholly, after the last step */
    bool expects;             /* how far regions will reach is known */
    size_t next;              /* operation that is performed next */
    const struct play_op *op; /* performed last; NULL before the first */
};

bool play_run_start(struct play_run *r, const struct play_script *script,
                    enum play_mode mode);
/* Performs the next operation and reads the heap. False when there is none left, or the
 * process is gone. */
bool play_run_step(struct play_run *r);
/* Performs the operations before number `number`, without looking at the heap closely. */
void play_run_skip(struct play_run *r, unsigned number);
void play_run_stop(struct play_run *r);
/* Takes over how far the regions of a former run reached. */
void play_run_expect(struct play_run *r, const struct play_run *former);
/* Bytes of a region worth drawing, from its start. */
uint64_t play_run_extent(const struct play_run *r, const struct heap_region *region);

/* Letter for a block: its variable's if that is unique among the script's, else 'o' or
 * 'x' by turns. */
char play_run_letter(const struct play_run *r, const struct heap_chunk *c);
const struct play_owner *play_run_owner(const struct play_run *r, uint64_t mem);

#endif
