/*
 * Start of the process, and what each thread has: its cache, its arena, its exit; fork.
 * State: two words of thread-local storage. Notes: docs/notes/threads.md
 */
#ifndef CHUNKY_FRONT_THREAD_H
#define CHUNKY_FRONT_THREAD_H

#include "core/cache.h"
#include "front/options.h"

/* The hot path's word: the thread's cache, or the dummy. Never NULL. */
extern TLS_INITIAL_EXEC struct cache *thread_hot;

/* The real cache; differs from thread_hot when every call has to go the slow way. Or a
 * stage before there is one. */
enum thread_stage { STAGE_NEW, STAGE_STARTING, STAGE_GONE, STAGE_READY };
extern TLS_INITIAL_EXEC uintptr_t thread_word;

/* The cache of the calling thread if it has one by now, or NULL. */
static ALWAYS_INLINE struct cache *thread_own(void)
{
    return LIKELY(thread_word >= STAGE_READY) ? (struct cache *)thread_word : NULL;
}

/* The cache of the calling thread, made at its first use; NULL when it may have none
 * (caches are off, it is starting or ending, no memory). Starts the process's state. */
struct cache *thread_cache(void);

/* The arena for a thread without a cache. */
struct arena *thread_arena(void);

/* Sets the process's state up, at the first call. */
void thread_start_process(void);

/* The hot path is off: every call goes the slow way (checks, recorded requests). */
bool thread_is_slow(void);
/* The same, or guarded blocks are sampled on the slow paths. */
static inline bool thread_is_checked(void)
{
    return (tune.check | tune.request | tune.perturb) != 0;
}

#endif
