/*
 * A small futex lock with a rank: a thread may only take locks of rising rank. The
 * debug build asserts the order. A thread that forks holds all locks and may go on
 * allocating: see lock_fork_begin. Notes: docs/notes/threads.md#locks
 */
#ifndef CHUNKY_OS_LOCK_H
#define CHUNKY_OS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
    RANK_INIT,
    RANK_THREADS,    /* list of thread caches */
    RANK_ARENAS,     /* list of arenas */
    RANK_ARENA,      /* one arena; two at once never */
    RANK_SPARE,      /* free heaps that any arena may take */
    RANK_MAPPED,     /* directly mapped chunks */
    RANK_QUARANTINE, /* freed blocks at rest */
    RANK_GUARD,      /* guarded blocks */
    RANK_META        /* the metadata allocator */
};

struct lock {
    _Atomic uint32_t
        word;      /* 0 free, else the holder's number; top bit: somebody sleeps */
    uint32_t rank; /* enum lock_rank */
};

/* Initialiser for a static lock. */
#define LOCK_INIT(r)                                                                   \
    {                                                                                  \
        .word = 0, .rank = (r)                                                         \
    }

void lock_init(struct lock *l, enum lock_rank rank);
void lock_take(struct lock *l);
/* The same, for locks that a thread takes while it holds an arena's: false when the
 * holder is a thread whose signal handler forks, since that waits for the arena. */
bool lock_take_or_leave(struct lock *l);
/* True when it was free and is now held; never waits. */
bool lock_try(struct lock *l);
void lock_give(struct lock *l);
/* True when the calling thread holds it. */
bool lock_is_mine(const struct lock *l);

/* The process is about to end, with locks that the calling thread holds: what its handlers
 * call may pass them. Arenas are avoided as ever. */
void lock_forgive(void);

/* The fork handlers: begin, take every lock, all_held, fork, ..., end, give them all.
 * Between all_held and end, lock_take and lock_give by the same thread do nothing: other
 * libraries' handlers may allocate. A lock that the thread held already, because a
 * signal interrupted it and its handler forks, stays held through all this. No signal
 * comes between begin and done: a fork by its handler would give what is held here. */
void lock_fork_begin(void);
/* If the forking thread holds l: who waits in lock_take_or_leave is sent away, until
 * unshun. */
void lock_fork_shun(struct lock *l);
void lock_fork_unshun(struct lock *l);
void lock_fork_all_held(void);
void lock_fork_end(void);
/* After the last lock was given. In the child, the interrupted code may never go on:
 * then what it holds does not make its own thread wait for ever. */
void lock_fork_done(bool child);

#endif
