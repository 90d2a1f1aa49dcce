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

/* glibc's; absent elsewhere. Its first call loads libgcc_s. */
WEAK extern int backtrace(void **pc, int room);
static _Atomic bool frames_ready;

/* Threads that are inside the unwinder, which may allocate. A word of thread-local
 * storage each would be one too many: a thread is named by where it keeps its own. */
static _Atomic uintptr_t frames_inside[32];

/* Our own code, when it is a library of its own; else both are 0. */
static uintptr_t frames_own_from, frames_own_to;

static bool frames_is_own(uintptr_t pc)
{
    return pc - frames_own_from < frames_own_to - frames_own_from;
}

void frames_find_own(void)
{
    struct mapping own, program;
    if (mapping_find((uintptr_t)CALLER(), &own) &&
        mapping_find((uintptr_t)getauxval(AT_PHDR), &program) &&
        own.base != program.base) {
        frames_own_from = own.start;
        frames_own_to = own.end;
    }
}

static bool frames_wanted, frames_late;

void frames_start(void)
{
    void *pc[2];
    frames_find_own();
    frames_wanted = true;
    /* In a static program the unwinder's tables are entered by constructors after ours;
     * it would abort. */
    if (backtrace != NULL && (frames_late || frames_own_to != 0)) {
        backtrace(pc, 2);
        atomic_store_explicit(&frames_ready, true, memory_order_release);
    }
}

CONSTRUCTOR(65535) static void frames_start_late(void)
{
    frames_late = true;
    if (frames_wanted && !atomic_load_explicit(&frames_ready, memory_order_relaxed))
        frames_start();
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
           os_peek((const void *)here, pair, sizeof pair) == sizeof pair &&
           pair[1] > 4096) {
        frames_add(f, pair[1]);
        if (pair[0] <= here || pair[0] - low > FRAME_LARGEST)
            break;
        here = pair[0];
    }
}

/* A free place, or NULL: none is left, or the thread has one already. */
static _Atomic uintptr_t *frames_enter(void)
{
    uintptr_t self = (uintptr_t)&thread_hot;
    for (unsigned i = 0; i < 32; i++)
        if (atomic_load_explicit(&frames_inside[i], memory_order_relaxed) == self)
            return NULL;
    for (unsigned i = 0; i < 32; i++) {
        uintptr_t none = 0;
        if (atomic_compare_exchange_strong(&frames_inside[i], &none, self))
            return &frames_inside[i];
    }
    return NULL;
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

/* By the unwinder's library; false if that is not there, or the thread is inside it. */
static bool frames_take_whole(struct frames *f)
{
    if (!atomic_load_explicit(&frames_ready, memory_order_acquire))
        return false;
    _Atomic uintptr_t *place = frames_enter();
    if (place == NULL)
        return false;
    void *pc[FRAMES_MAX + FRAMES_OWN];
    int count = backtrace(pc, FRAMES_MAX + FRAMES_OWN);
    atomic_store(place, 0);
    for (int i = 0; i < count; i++)
        frames_add(f, (uintptr_t)pc[i]);
    return true;
}

/* By our own one; false: not on this processor. */
static bool frames_unwind(struct frames *f)
{
    static struct unwind u;
    if (!unwind_here(&u))
        return false;
    for (unsigned i = 0; i < FRAMES_MAX + FRAMES_OWN && f->count < FRAMES_MAX; i++) {
        if (!unwind_step(&u))
            break;
        frames_add(f, u.pc);
    }
    return true;
}

static void frames_begin(struct frames *f)
{
    f->count = 0;
    f->thread = os_thread_id();
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
    if (!frames_take_whole(f) && !frames_unwind(f))
        frames_walk(f);
}
