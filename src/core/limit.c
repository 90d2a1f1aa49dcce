/* The count of memory taken from the system; see limit.h. State: struct limit. */
#include "core/limit.h"

#include "base/bits.h"
#include "base/compiler.h"
#include "base/probe.h"

#include <errno.h>

struct limit limits;

static void limit_note_peak(size_t used)
{
    size_t peak = atomic_load_explicit(&limits.peak, memory_order_relaxed);
    while (used > peak &&
           !atomic_compare_exchange_weak_explicit(
               &limits.peak, &peak, used, memory_order_relaxed, memory_order_relaxed))
        continue;
}

void limit_add(size_t bytes)
{
    size_t before =
        atomic_fetch_add_explicit(&limits.used, bytes, memory_order_relaxed);
    limit_note_peak(before + bytes);
}

NOINLINE bool limit_charge(size_t bytes)
{
    size_t before =
        atomic_fetch_add_explicit(&limits.used, bytes, memory_order_relaxed);
    size_t hard = atomic_load_explicit(&limits.hard, memory_order_relaxed);
    if (LIKELY(hard == 0 || (bytes <= hard && before <= hard - bytes))) {
        limit_note_peak(before + bytes);
        return true;
    }
    limit_release(bytes);
    atomic_fetch_add_explicit(&limits.refused, 1, memory_order_relaxed);
    PROBE2(limit, bytes, before);
    errno = ENOMEM;
    return false;
}

void limit_release(size_t bytes)
{
    atomic_fetch_sub_explicit(&limits.used, bytes, memory_order_relaxed);
}

void limit_note_kept(uint64_t until)
{
    uint64_t first = atomic_load_explicit(&limits.kept_until, memory_order_relaxed);
    if (first == 0 || until < first)
        atomic_store_explicit(&limits.kept_until, until, memory_order_relaxed);
}
