/*
 * The window over a process: process_vm_readv of the pages that hold something. State: in
 * struct pid_state.
 */
#include "from_pid.h"

#include <sys/uio.h>

enum { PID_RUNS = 256 };

/* Runs of filled pages in the piece at `start`; the others become zeroes. */
static size_t pid_runs(const struct pages *p, uintptr_t bytes, uint64_t start,
                       struct iovec *here, struct iovec *there)
{
    size_t runs = 0;
    for (uint64_t i = 0; i < p->count && runs < PID_RUNS;) {
        uint64_t from = i;
        while (i < p->count && (p->flags[i] & PAGE_FILLED) != 0)
            i++;
        if (i != from) {
            size_t size = (size_t)((i - from) * p->size);
            here[runs] = (struct iovec){(void *)(bytes + from * p->size), size};
            there[runs++] =
                (struct iovec){(void *)(uintptr_t)(start + from * p->size), size};
        } else {
            memset((void *)(bytes + i++ * p->size), 0, p->size);
        }
    }
    return runs;
}

/* Reads what the window holds from `start` on; 0 if that was no use. Pages that were never
 * touched, or were purged, are not read: reading them would make the kernel map them. They
 * are zeroes. */
static uint64_t pid_load(struct source *s, uintptr_t bytes, uint64_t start)
{
    struct pid_state *state = s->state;
    struct iovec here[PID_RUNS], there[PID_RUNS];
    uint64_t page = state->window.size;
    if (state->mem >= 0 ||
        !pages_ask(&state->window, start / page, PID_WINDOW / page) ||
        (state->window.flags[0] & PAGE_FILLED) == 0)
        return 0;
    size_t runs = pid_runs(&state->window, bytes, start, here, there);
    ssize_t got = process_vm_readv(s->thread, here, runs, there, runs, 0);
    /* Up to the first page that may not be read: a guard, or one that is just going. */
    size_t left = got < 0 ? 0 : (size_t)got;
    for (size_t i = 0; i < runs; i++) {
        if (left < here[i].iov_len)
            return (uintptr_t)here[i].iov_base - bytes + align_down(left, page);
        left -= here[i].iov_len;
    }
    return runs == PID_RUNS ? (uint64_t)((uintptr_t)here[runs - 1].iov_base - bytes) +
                                  here[runs - 1].iov_len
                            : PID_WINDOW;
}

bool pid_fill(struct reader *r, uint64_t address, size_t size)
{
    struct source *s = (struct source *)(void *)r;
    struct pid_state *state = s->state;
    r->start = align_down(address, state->window.size);
    r->length = pid_load(s, r->window, r->start);
    if (r->length == 0) {
        /* No answer about pages, or no such call: the plain way. */
        return (state->mem >= 0 || state->resident.fd < 0) &&
               window_fill(r, address, size);
    }
    return reader_has(r, address, size);
}
