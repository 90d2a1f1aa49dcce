/* Stacks; see frames.h. State: whether the unwinder is there, and who is inside it. */
#include "front/frames.h"

#include "base/compiler.h"
#include "front/mapping.h"
#include "front/thread.h"
#include "front/unwind.h"
#include "os/os.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

enum { FRAMES_OWN = 12 }; /* most frames of our own on top */

/* glibc's; absent elsewhere. Its first call loads libgcc_s. Wanted only where libc cannot
 * tell whose code an address is, as in static programs. */
WEAK extern int backtrace(void **pc, int room);
static _Atomic enum {
    FRAMES_BY_POINTER,
    FRAMES_BY_TABLES,
    FRAMES_BY_LIBRARY
} frames_way;

/* Threads that are inside an unwinder, which may allocate or has words of its own. A word
 * of thread-local storage each would be one too many: a thread is named by where it keeps
 * its own. */
enum { FRAMES_INSIDE = 32 };
static _Atomic uintptr_t frames_inside[FRAMES_INSIDE];
SELDOM static struct unwind
    frames_unwind[FRAMES_INSIDE + 1]; /* the last one for reports */

/* Our own code, when it is a library of its own; else both are 0. */
static uintptr_t frames_own_from, frames_own_to;

static bool frames_is_own(uintptr_t pc)
{
    return pc - frames_own_from < frames_own_to - frames_own_from;
}

void frames_find_own(void)
{
    struct mapping own, m;
    if (!mapping_find((uintptr_t)CALLER(), &own) ||
        !mapping_find((uintptr_t)getauxval(AT_PHDR), &m) || m.base == own.base)
        return;
    frames_own_from = own.base;
    mapping_open();
    while (mapping_next(&m))
        if (m.base == own.base)
            frames_own_to = m.end;
    mapping_close();
}

static bool frames_wanted, frames_late;

void frames_start(void)
{
    void *pc[2];
    frames_find_own();
    frames_wanted = true;
    if (unwind_is_cheap()) {
        atomic_store_explicit(&frames_way, FRAMES_BY_TABLES, memory_order_release);
        return;
    }
    /* In a static program the unwinder's tables are entered by constructors after ours;
     * it would abort. */
    if (backtrace != NULL && (frames_late || frames_own_to != 0)) {
        backtrace(pc, 2);
        atomic_store_explicit(&frames_way, FRAMES_BY_LIBRARY, memory_order_release);
    }
}

CONSTRUCTOR(65535) static void frames_start_late(void)
{
    frames_late = true;
    if (frames_wanted && frames_way == FRAMES_BY_POINTER)
        frames_start();
}

/* At the end of a static program libgcc takes its tables out, and frees one with its lock
 * held. */
static DESTRUCTOR void frames_end(void)
{
    if (frames_way == FRAMES_BY_LIBRARY)
        frames_way = FRAMES_BY_POINTER;
}

/* The innermost frames, as long as they are Chunky's own, are left out. */
static void frames_add(struct frames *f, uintptr_t pc)
{
    if (f->count < FRAMES_MAX && (f->count != 0 || !frames_is_own(pc)))
        f->pc[f->count++] = pc;
}

/* The chain of frame pointers. A program without them yields nonsense, which the
 * bounds and the safe reads turn into a short list. */
static void frames_walk(struct frames *f)
{
    uintptr_t here = (uintptr_t)FRAME_ADDRESS(), low = here;
    uintptr_t pair[2];
    while (f->count < FRAMES_MAX && (here & (sizeof here - 1)) == 0 &&
           os_peek_own((const void *)here, pair, sizeof pair) == sizeof pair &&
           pair[1] > 4096) {
        frames_add(f, pair[1]);
        if (pair[0] <= here || pair[0] - low > FRAME_LARGEST)
            break;
        here = pair[0];
    }
}

/* A free place; FRAMES_INSIDE: none is left, or the thread has one already. */
static unsigned frames_enter(void)
{
    uintptr_t self = (uintptr_t)&thread_hot;
    for (unsigned i = 0; i < FRAMES_INSIDE; i++)
        if (atomic_load_explicit(&frames_inside[i], memory_order_relaxed) == self)
            return FRAMES_INSIDE;
    for (unsigned i = 0; i < FRAMES_INSIDE; i++) {
        uintptr_t none = 0;
        if (atomic_compare_exchange_strong(&frames_inside[i], &none, self))
            return i;
    }
    return FRAMES_INSIDE;
}

void frames_forked(void)
{
    uintptr_t self = (uintptr_t)&thread_hot;
    bool others = false;
    for (unsigned i = 0; i < FRAMES_INSIDE; i++) {
        uintptr_t who = atomic_load_explicit(&frames_inside[i], memory_order_relaxed);
        if (who == 0 || who == self)
            continue;
        others = true;
        atomic_store_explicit(&frames_inside[i], 0, memory_order_relaxed);
    }
    /* The library has a lock, which one of them may have held. */
    if (others && frames_way == FRAMES_BY_LIBRARY)
        frames_way = FRAMES_BY_POINTER;
}

void frames_start_at(struct frames *f, uintptr_t pc)
{
    uint32_t first = 0;
    while (first < f->count && f->pc[first] != pc)
        first++;
    if (first == f->count)
        return;
    f->pc[first]++;
    while (first < f->count && frames_is_own(f->pc[first]))
        first++;
    f->count -= first;
    memmove(f->pc, f->pc + first, f->count * sizeof f->pc[0]);
}

static void frames_by_library(struct frames *f)
{
    void *pc[FRAMES_MAX + FRAMES_OWN];
    int count = backtrace(pc, FRAMES_MAX + FRAMES_OWN);
    for (int i = 0; i < count; i++)
        frames_add(f, (uintptr_t)pc[i]);
}

/* By our own one, with these words; false: not on this processor. */
static bool frames_by_tables(struct frames *f, struct unwind *u, bool is_direct)
{
    if (!unwind_here(u, is_direct))
        return false;
    for (unsigned i = 0; i < FRAMES_MAX + FRAMES_OWN && f->count < FRAMES_MAX; i++) {
        if (!unwind_step(u))
            break;
        frames_add(f, u->frame.pc);
    }
    return true;
}

/* False if that is not possible here, or the thread is inside an unwinder. */
static bool frames_take_whole(struct frames *f)
{
    unsigned way = atomic_load_explicit(&frames_way, memory_order_acquire), place;
    if (way == FRAMES_BY_POINTER || (place = frames_enter()) == FRAMES_INSIDE)
        return false;
    bool done = true;
    if (way == FRAMES_BY_LIBRARY)
        frames_by_library(f);
    else
        done = frames_by_tables(f, &frames_unwind[place], true);
    atomic_store(&frames_inside[place], 0);
    return done;
}

static void frames_begin(struct frames *f)
{
    f->count = 0;
    f->thread = thread_own() != NULL ? thread_own()->thread : os_thread_id();
}

void frames_take(struct frames *f)
{
    frames_begin(f);
    if (!frames_take_whole(f))
        frames_walk(f);
}

void frames_take_for_report(struct frames *f)
{
    frames_begin(f);
    bool by_library =
        atomic_load_explicit(&frames_way, memory_order_acquire) == FRAMES_BY_LIBRARY;
    if (!(by_library && frames_take_whole(f)) &&
        !frames_by_tables(f, &frames_unwind[FRAMES_INSIDE], false))
        frames_walk(f);
}
