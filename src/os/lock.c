/* Futex lock; see lock.h. State: the thread that is forking, if any. */
#include "os/lock.h"

#include "base/check.h"
#include "base/compiler.h"
#include "os/os.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

enum { SPINS = 60 };

#define LOCK_SLEEPERS 0x80000000U

#if CHUNKY_DEBUG
static TLS_INITIAL_EXEC uint32_t lock_mark; /* set of held ranks */
#endif

static _Atomic uint32_t lock_forking;   /* thread that forks with all locks held */
static _Atomic uint32_t lock_preparing; /* thread that is taking or giving them all */
static _Atomic bool lock_forgiving;     /* in the child of a fork out of a signal */
static uint32_t lock_kept;              /* ranks that the interrupted code holds */

/* A number that no other living thread has: errno is thread-local. The word holds it from
 * the very instruction that takes the lock, so a signal never finds a lock ownerless. */
static uint32_t lock_self(void)
{
    return (uint32_t)(((uintptr_t)&errno >> 2) & ~LOCK_SLEEPERS) | 1U;
}

static bool lock_in_fork(void)
{
    uint32_t forking = atomic_load_explicit(&lock_forking, memory_order_relaxed);
    return UNLIKELY(forking != 0) && forking == lock_self();
}

bool lock_is_mine(const struct lock *l)
{
    return (atomic_load_explicit(&l->word, memory_order_relaxed) & ~LOCK_SLEEPERS) ==
           lock_self();
}

/* Not taken, and yet nothing to wait for. An arena is better avoided than entered a
 * second time: lock_try says no. */
static bool lock_passes(const struct lock *l, bool may_wait)
{
    if (lock_in_fork())
        return true;
    if (LIKELY(atomic_load_explicit(&lock_preparing, memory_order_relaxed) == 0 &&
               !atomic_load_explicit(&lock_forgiving, memory_order_relaxed)) ||
        !lock_is_mine(l))
        return false;
    if (atomic_load_explicit(&lock_preparing, memory_order_relaxed) == lock_self())
        lock_kept |= 1U << l->rank;
    return may_wait || l->rank != RANK_ARENA;
}

static void lock_note_taken(const struct lock *l)
{
    (void)l;
#if CHUNKY_DEBUG
    ASSERT(l->rank == RANK_ARENA || (lock_mark >> l->rank) == 0);
    lock_mark |= 1U << l->rank;
#endif
}

void lock_init(struct lock *l, enum lock_rank rank)
{
    l->rank = (uint32_t)rank;
    atomic_store_explicit(&l->word, 0, memory_order_release);
}

static bool lock_grab(struct lock *l, uint32_t as)
{
    uint32_t expected = 0;
    return atomic_compare_exchange_strong_explicit(
        &l->word, &expected, as, memory_order_acquire, memory_order_relaxed);
}

bool lock_try(struct lock *l)
{
    if (!lock_grab(l, lock_self()))
        return lock_passes(l, false);
    lock_note_taken(l);
    return true;
}

static COLD void lock_wait(struct lock *l)
{
    uint32_t self = lock_self();
    for (int i = 0; i < SPINS; i++) {
        cpu_relax();
        if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
            lock_grab(l, self))
            return;
    }
    /* Whoever slept leaves the mark behind when it gets the lock: others may sleep. */
    while (!lock_grab(l, self | LOCK_SLEEPERS)) {
        uint32_t seen = atomic_load_explicit(&l->word, memory_order_relaxed);
        if (seen == 0)
            continue;
        if ((seen & LOCK_SLEEPERS) != 0 ||
            atomic_compare_exchange_strong_explicit(
                &l->word, &seen, seen | LOCK_SLEEPERS, memory_order_relaxed,
                memory_order_relaxed))
            os_wait(&l->word, seen | LOCK_SLEEPERS);
    }
}

void lock_take(struct lock *l)
{
    if (!lock_grab(l, lock_self())) {
        if (lock_passes(l, true))
            return;
        lock_wait(l);
    }
    lock_note_taken(l);
}

void lock_give(struct lock *l)
{
    if (lock_in_fork())
        return;
    if (UNLIKELY(atomic_load_explicit(&lock_preparing, memory_order_relaxed) != 0) &&
        atomic_load_explicit(&lock_preparing, memory_order_relaxed) == lock_self() &&
        (lock_kept >> l->rank & 1) != 0)
        return;
#if CHUNKY_DEBUG
    lock_mark &= ~(1U << l->rank);
#endif
    uint32_t was = atomic_exchange_explicit(&l->word, 0, memory_order_release);
    if ((was & LOCK_SLEEPERS) != 0)
        os_wake(&l->word);
}

void lock_fork_begin(void)
{
    lock_kept = 0;
    atomic_store_explicit(&lock_preparing, lock_self(), memory_order_relaxed);
}

void lock_fork_all_held(void)
{
    atomic_store_explicit(&lock_forking, lock_self(), memory_order_relaxed);
}

void lock_fork_end(void)
{
    atomic_store_explicit(&lock_forking, 0, memory_order_relaxed);
}

void lock_fork_done(bool child)
{
    if (child && lock_kept != 0)
        atomic_store_explicit(&lock_forgiving, true, memory_order_relaxed);
    atomic_store_explicit(&lock_preparing, 0, memory_order_relaxed);
}
