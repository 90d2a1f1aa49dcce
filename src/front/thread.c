/*
 * Process start, thread start and end, fork; see thread.h. State: the hot word and the
 * stage of each thread, and the process's stage.
 */
#include "front/thread.h"

#include "audit/root.h"
#include "base/check.h"
#include "core/mapped.h"
#include "core/meta.h"
#include "front/cache.h"
#include "front/checked.h"
#include "front/frames.h"
#include "front/guard.h"
#include "front/options.h"
#include "front/quarantine.h"
#include "front/stats.h"
#include "front/upkeep.h"
#include "os/os.h"

#include <errno.h>
#include <pthread.h>

TLS_INITIAL_EXEC struct cache *thread_hot = (struct cache *)&cache_dummy;
TLS_INITIAL_EXEC uintptr_t thread_word;

static _Atomic unsigned process_stage;
static struct lock process_lock = LOCK_INIT(RANK_INIT);
static pthread_key_t process_key;
static bool process_has_key;
static _Atomic unsigned process_forks; /* fork handlers are registered */

bool thread_is_slow(void)
{
    return (checked_level | tune.request | tune.perturb) != 0;
}

static void thread_exit(void *cache)
{
    struct cache *k = cache;
    thread_word = STAGE_GONE;
    thread_hot = (struct cache *)&cache_dummy;
    quarantine_end(k);
    cache_destroy(k);
}

/* Other libraries' handlers may allocate between these: see lock_fork_begin. */
static void process_fork_prepare(void)
{
    thread_start_process();
    os_streams_lock();
    lock_fork_begin();
    lock_fork_shun(&heap_spare.lock);
    lock_fork_shun(&meta.lock);
    lock_take(&process_lock);
    cache_list_lock();
    arena_lock_all();
    heap_lock();
    lock_take(&mapped.lock);
    quarantine_lock();
    guard_lock();
    lock_take(&meta.lock);
    lock_fork_all_held();
}

static void process_fork_release(bool child)
{
    lock_fork_end();
    lock_give(&meta.lock);
    guard_unlock();
    quarantine_unlock();
    lock_give(&mapped.lock);
    heap_unlock();
    arena_unlock_all();
    cache_list_unlock();
    lock_give(&process_lock);
    lock_fork_unshun(&meta.lock);
    lock_fork_unshun(&heap_spare.lock);
    lock_fork_done(child);
    os_streams_unlock(child);
}

static void process_fork_parent(void)
{
    process_fork_release(false);
}

static void process_fork_child(void)
{
    if (thread_own() != NULL)
        thread_own()->thread = os_thread_id();
    cache_list_orphan(thread_own());
    upkeep_forked();
    frames_forked();
    arena_forget_purges();
    process_fork_release(true);
}

/* At the first call and not in the constructor: of a preloaded library that runs last, and
 * others' constructors may have forked from threads before. With no lock held: it may
 * allocate. */
static void process_watch_forks(void)
{
    if (atomic_exchange(&process_forks, 1) == 0)
        pthread_atfork(process_fork_prepare, process_fork_parent, process_fork_child);
}

static COLD void process_start(void)
{
    lock_take(&process_lock);
    if (process_stage == STAGE_NEW) {
        int saved = errno;
        os_init();
        root_init(os_page_size());
        class_init();
        os_random(&heap_keys, sizeof heap_keys);
        options_init();
        checked_init();
        arena_init(&tune);
        process_has_key = pthread_key_create(&process_key, thread_exit) == 0;
        atomic_store_explicit(&process_stage, STAGE_READY, memory_order_release);
        errno = saved;
    }
    lock_give(&process_lock);
    process_watch_forks();
}

void thread_start_process(void)
{
    if (UNLIKELY(atomic_load_explicit(&process_stage, memory_order_acquire) !=
                 STAGE_READY))
        process_start();
}

static COLD struct cache *thread_begin(void)
{
    thread_start_process();
    if (tune.cache_bytes == 0 || !process_has_key)
        return NULL;
    int saved = errno;
    thread_word = STAGE_STARTING;
    struct cache *k = cache_create();
    if (k != NULL && pthread_setspecific(process_key, k) != 0) {
        cache_destroy(k);
        k = NULL;
    }
    thread_word = (uintptr_t)k;
    if (k != NULL && !thread_is_slow())
        thread_hot = k;
    errno = saved;
    return k;
}

struct cache *thread_cache(void)
{
    if (LIKELY(thread_word >= STAGE_READY)) {
        /* mallopt may have turned the slow way on or off since. */
        bool slow = thread_is_slow();
        if (UNLIKELY(slow != (thread_hot != thread_own())))
            thread_hot = slow ? (struct cache *)&cache_dummy : thread_own();
        return thread_own();
    }
    return thread_word == STAGE_NEW ? thread_begin() : NULL;
}

struct arena *thread_arena(void)
{
    return thread_own() != NULL ? thread_own()->arena : &arena_main;
}

static CONSTRUCTOR(101) void process_constructor(void)
{
    thread_start_process();
    checked_start();
}

static DESTRUCTOR void process_destructor(void)
{
    checked_end();
    if (options_stats != 0)
        stats_print(2);
    metrics_write();
}
