/* Faulting accesses; see fault.h. */
#include "front/fault.h"

#include "base/compiler.h"
#include "base/check.h"
#include "chunky.h"
#include "core/arena.h"
#include "front/checked.h"
#include "front/guard.h"
#include "front/report.h"
#include "front/thread.h"
#include "os/os.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

enum {
    FREE_CODE = 192, /* bytes of free that may touch the header */
    GONE_COUNT = 64
};

static bool fault_is_on;
static struct sigaction fault_before[2]; /* SIGSEGV, SIGBUS */

/* Looks that are going on, by thread (named by where it keeps its thread-local words).
 * Threads that share a place may lose it, and then a fault stays a plain fault. */
SELDOM static struct {
    _Atomic uintptr_t thread;
    const void *_Atomic mem;
    const char *_Atomic verb;
} fault_looks[64];

/* The blocks unmapped last. */
SELDOM static struct {
    _Atomic uintptr_t mem;
    _Atomic size_t bytes;
} fault_gone[GONE_COUNT];
static _Atomic unsigned fault_gone_count;

static unsigned fault_place(void)
{
    return (unsigned)((uintptr_t)&thread_hot >> 12) % 64;
}

void fault_expect(const void *mem, const char *verb)
{
    if (!fault_is_on)
        return;
    unsigned at = fault_place();
    atomic_store_explicit(&fault_looks[at].mem, mem, memory_order_relaxed);
    atomic_store_explicit(&fault_looks[at].verb, verb, memory_order_relaxed);
    atomic_store_explicit(&fault_looks[at].thread, (uintptr_t)&thread_hot,
                          memory_order_release);
    atomic_signal_fence(memory_order_seq_cst); /* the look comes after, */
}

void fault_relax(void)
{
    if (!fault_is_on)
        return;
    atomic_signal_fence(memory_order_seq_cst); /* and before */
    atomic_store_explicit(&fault_looks[fault_place()].thread, 0, memory_order_release);
}

void fault_note_unmapped(const void *mem, size_t bytes)
{
    size_t page = os_page_size();
    uintptr_t header = align_down((uintptr_t)mem - CHUNK_HEADER, page);
    if (!fault_is_on && !os_hold((void *)header, page))
        return; /* kept, or in use again */
    unsigned at = atomic_fetch_add(&fault_gone_count, 1) % GONE_COUNT;
    uintptr_t oldest = atomic_exchange(&fault_gone[at].mem, 0);
    if (!fault_is_on && oldest != 0)
        os_unmap((void *)align_down(oldest - CHUNK_HEADER, page), page);
    atomic_store(&fault_gone[at].bytes, bytes);
    atomic_store(&fault_gone[at].mem, (uintptr_t)mem);
}

bool fault_was_unmapped(uintptr_t address, uintptr_t *mem, size_t *bytes)
{
    for (unsigned i = 0; i < GONE_COUNT; i++) {
        *mem = atomic_load(&fault_gone[i].mem);
        *bytes = atomic_load(&fault_gone[i].bytes);
        if (*mem != 0 && address - (*mem - CHUNK_HEADER) < *bytes + CHUNK_HEADER)
            return true;
    }
    return false;
}

#if defined(__aarch64__)
/* Whether an instruction that faulted is a store: not every kernel and emulator tells. */
static bool fault_stores(uint32_t code)
{
    bool is_literal = (code & 0x3b000000) == 0x18000000;
    bool is_atomic = (code & 0x3b200c00) == 0x38200000;
    bool is_signed =
        (code & 0x3e800000) == 0x38800000; /* loads with a sign, prefetch */
    bool is_load = (code & 0x00400000) != 0;
    bool is_zeroing = (code & 0xffffffe0) == 0xd50b7420;
    return is_zeroing || ((code & 0x0a000000) == 0x08000000 && !is_literal &&
                          (is_atomic || (!is_load && !is_signed)));
}
#endif

/* What the processor was doing: its address, first argument, and whether it wrote. */
static void fault_decode(const ucontext_t *context, uintptr_t *pc, uintptr_t *argument,
                         bool *is_write)
{
#if defined(__x86_64__)
    *pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    *argument = (uintptr_t)context->uc_mcontext.gregs[REG_RDI];
    *is_write = (context->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#elif defined(__aarch64__)
    *pc = (uintptr_t)context->uc_mcontext.pc;
    *argument = (uintptr_t)context->uc_mcontext.regs[0];
    *is_write = *pc != context->uc_mcontext.fault_address &&
                fault_stores(*(const uint32_t *)*pc);
#else
    (void)context;
    *pc = *argument = 0;
    *is_write = false;
#endif
}

/* A header that is not there reads as zeroes from now on: the call that looked at it finds
 * no block, and tells so. True if that is possible and wanted. */
static bool fault_goes_on(const void *mem)
{
    size_t page = os_page_size();
    const struct guard *g = guard_find((uintptr_t)mem);
    if (report_go_on == 0)
        return false;
    if (g != NULL && guard_open(g, (uintptr_t)mem - CHUNK_HEADER))
        return true;
    if (os_hold((void *)align_down((uintptr_t)mem - CHUNK_HEADER, page), page))
        return true;
    report_is_last();
    return false;
}

/* Returns if the fault has nothing to do with the heap, or true to try again. */
static bool fault_judge(const siginfo_t *info, const ucontext_t *context)
{
    uintptr_t address = (uintptr_t)info->si_addr, pc, argument, mem;
    size_t bytes;
    bool is_write;
    fault_decode(context, &pc, &argument, &is_write);
    unsigned at = fault_place();
    if (atomic_load(&fault_looks[at].thread) == (uintptr_t)&thread_hot) {
        if (fault_goes_on(fault_looks[at].mem))
            return true;
        report_not_live_at(fault_looks[at].mem, fault_looks[at].verb, pc);
    }
    if (pc - (uintptr_t)chunky_free < FREE_CODE ||
        pc - (uintptr_t)checked_free_plain < FREE_CODE ||
        pc - (uintptr_t)checked_free_mem < FREE_CODE) {
        if (fault_goes_on((const void *)argument))
            return true;
        report_not_live_at((const void *)argument, "free", pc);
    }
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a))
        if (lock_is_mine(&a->lock))
            fail("corrupted free chunk: a link leads to memory that is not there",
                 NULL);
    const struct guard *g = guard_find(address);
    if (g != NULL) {
        report_guard(g, address, pc, is_write);
        return guard_open(g, address);
    }
    if (fault_was_unmapped(address, &mem, &bytes)) {
        struct finding f = {
            .rule = is_write ? "use after free: write to a block that was a mapping"
                             : "use after free: read of a block that was a mapping",
            .mem = (const void *)mem,
            .offset = (ptrdiff_t)(address - mem),
            .pc = pc};
        report_is_last();
        report_finding(&f);
    }
    return false;
}

static void fault_handle(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    const struct sigaction *before = &fault_before[number == SIGBUS];
    bool again = info->si_code > 0 && fault_judge(info, context);
    errno = saved;
    if (again)
        return;
    if ((before->sa_flags & SA_SIGINFO) != 0) {
        before->sa_sigaction(number, info, context);
    } else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
        before->sa_handler(number);
    } else {
        /* Back to the default; the access faults again, a sent signal comes again. */
        sigaction(number, before, NULL);
        if (info->si_code <= 0)
            raise(number);
    }
}

void fault_start(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = fault_handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    fault_is_on = true;
    sigaction(SIGSEGV, &action, &fault_before[0]);
    sigaction(SIGBUS, &action, &fault_before[1]);
}
