/* Futex lock; see lock.h. State: the thread that is forking, if any. */
#include "os/lock.h"

#include "base/check.h"
#include "base/compiler.h"
#include "os/os.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

enum { SPINS = 60 };

#if CHUNKY_DEBUG
static TLS_INITIAL_EXEC uint32_t lock_mark; /* set of held ranks */
#endif

static _Atomic uintptr_t lock_forking;

static uintptr_t lock_self(void)
{
    return (uintptr_t)&errno; /* an address that no other thread has */
}

static bool lock_in_fork(void)
{
    uintptr_t forking = atomic_load_explicit(&lock_forking, memory_order_relaxed);
    return UNLIKELY(forking != 0) && forking == lock_self();
}

static void lock_note_taken(struct lock *l)
{
    atomic_store_explicit(&l->owner, lock_self(), memory_order_relaxed);
#if CHUNKY_DEBUG
    ASSERT(l->rank == RANK_ARENA || (lock_mark >> l->rank) == 0);
    lock_mark |= 1U << l->rank;
#endif
}

void lock_init(struct lock *l, enum lock_rank rank)
{
    l->rank = (uint32_t)rank;
    atomic_store_explicit(&l->owner, 0, memory_order_relaxed);
    atomic_store_explicit(&l->word, 0, memory_order_release);
}

bool lock_try(struct lock *l)
{
    uint32_t expected = 0;
    if (!atomic_compare_exchange_strong_explicit(
            &l->word, &expected, 1, memory_order_acquire, memory_order_relaxed))
        return lock_in_fork();
    lock_note_taken(l);
    return true;
}

static COLD void lock_wait(struct lock *l)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t expected = 0;
        cpu_relax();
        if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_weak_explicit(
                &l->word, &expected, 1, memory_order_acquire, memory_order_relaxed))
            return;
    }
    while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire) != 0)
        os_wait(&l->word, 2);
}

void lock_take(struct lock *l)
{
    uint32_t expected = 0;
    if (!atomic_compare_exchange_strong_explicit(
            &l->word, &expected, 1, memory_order_acquire, memory_order_relaxed)) {
        if (lock_in_fork())
            return;
        lock_wait(l);
    }
    lock_note_taken(l);
}

void lock_give(struct lock *l)
{
    if (lock_in_fork())
        return;
#if CHUNKY_DEBUG
    lock_mark &= ~(1U << l->rank);
#endif
    atomic_store_explicit(&l->owner, 0, memory_order_relaxed);
    if (atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2)
        os_wake(&l->word);
}

bool lock_is_mine(const struct lock *l)
{
    return atomic_load_explicit(&l->owner, memory_order_relaxed) == lock_self();
}

void lock_fork_begin(void)
{
    atomic_store_explicit(&lock_forking, lock_self(), memory_order_relaxed);
}

void lock_fork_end(void)
{
    atomic_store_explicit(&lock_forking, 0, memory_order_relaxed);
}
