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
#define LOCK_SHUNNED 0x40000000U /* the holder forks: see lock_fork_shun */
#define LOCK_MARKS (LOCK_SLEEPERS | LOCK_SHUNNED)

#if CHUNKY_DEBUG
static TLS_INITIAL_EXEC uint32_t lock_mark; /* set of held ranks */
#endif

static _Atomic uint32_t lock_forking;   /* thread that forks with all locks held */
static _Atomic uint32_t lock_preparing; /* thread that is taking or giving them all */
static _Atomic bool lock_forgiving; /* a child of a fork out of a signal, or it ends */
static uint32_t lock_kept;          /* ranks that the interrupted code holds */
static bool lock_outer;             /* what was interrupted is a fork's preparation */
static uint32_t lock_outer_kept;    /* its lock_kept */
static sigset_t lock_signals;       /* blocked before by the thread that prepares */

/* A number that no other living thread has: errno is thread-local, and no two threads'
 * lie in one 4 KiB. Bits above 2 TiB are folded in: stacks may be that far apart. The word
 * holds it from the very instruction that takes the lock, so a signal never finds a lock
 * ownerless. */
static uint32_t lock_self(void)
{
    uintptr_t here = (uintptr_t)&errno;
    return ((uint32_t)(here >> 11 ^ (uint64_t)here >> 40) & ~LOCK_MARKS) | 1U;
}

static bool lock_in_fork(void)
{
    uint32_t forking = atomic_load_explicit(&lock_forking, memory_order_relaxed);
    return UNLIKELY(forking != 0) && forking == lock_self();
}

bool lock_is_mine(const struct lock *l)
{
    return (atomic_load_explicit(&l->word, memory_order_relaxed) & ~LOCK_MARKS) ==
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

/* False when the holder forks and the caller would rather do without. */
static COLD bool lock_wait(struct lock *l, bool may_leave)
{
    uint32_t self = lock_self();
    for (int i = 0; i < SPINS; i++) {
        cpu_relax();
        if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
            lock_grab(l, self))
            return true;
    }
    /* Whoever slept leaves the mark behind when it gets the lock: others may sleep. */
    while (!lock_grab(l, self | LOCK_SLEEPERS)) {
        uint32_t seen = atomic_load_explicit(&l->word, memory_order_relaxed);
        if (seen == 0)
            continue;
        if (may_leave && (seen & LOCK_SHUNNED) != 0) {
            os_wake(&l->word); /* the next one that sleeps leaves too */
            return false;
        }
        if ((seen & LOCK_SLEEPERS) != 0 ||
            atomic_compare_exchange_strong_explicit(
                &l->word, &seen, seen | LOCK_SLEEPERS, memory_order_relaxed,
                memory_order_relaxed))
            os_wait(&l->word, seen | LOCK_SLEEPERS);
    }
    return true;
}

void lock_take(struct lock *l)
{
    if (!lock_grab(l, lock_self())) {
        if (lock_passes(l, true))
            return;
        lock_wait(l, false);
    }
    lock_note_taken(l);
}

bool lock_take_or_leave(struct lock *l)
{
    if (!lock_grab(l, lock_self())) {
        if (lock_passes(l, true))
            return true;
        if (!lock_wait(l, true))
            return false;
    }
    lock_note_taken(l);
    return true;
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

void lock_forgive(void)
{
    atomic_store_explicit(&lock_forgiving, true, memory_order_relaxed);
}

void lock_fork_begin(void)
{
    uint32_t other = 0;
    sigset_t before;
    os_bar_signals(&before);
    while (!atomic_compare_exchange_strong(&lock_preparing, &other, lock_self()) &&
           other != lock_self()) {
        os_wait(&lock_preparing, other);
        other = 0;
    }
#if CHUNKY_DEBUG
    /* A signal handler may fork: the locks of what it interrupted count no more. */
    lock_mark = 0;
#endif
    lock_outer_kept = lock_kept;
    lock_outer = other != 0;
    lock_kept = 0;
    if (!lock_outer)
        lock_signals = before;
}

void lock_fork_shun(struct lock *l)
{
    if (!lock_is_mine(l))
        return;
    atomic_fetch_or_explicit(&l->word, LOCK_SHUNNED, memory_order_relaxed);
    os_wake(&l->word);
}

void lock_fork_unshun(struct lock *l)
{
    atomic_fetch_and_explicit(&l->word, ~LOCK_SHUNNED, memory_order_relaxed);
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
    if (lock_outer) {
        lock_kept = lock_outer_kept;
        lock_outer = false;
        return;
    }
    sigset_t before = lock_signals;
    atomic_store_explicit(&lock_preparing, 0, memory_order_release);
    os_wake(&lock_preparing);
    os_allow_signals(&before);
}
