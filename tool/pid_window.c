/*
 * The window over a process: process_vm_readv of the pages that hold something, the next
 * piece read by a thread while this one is walked. State: in struct pid_state.
 */
#include "from_pid.h"

#include <stdlib.h>
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

/* Reads a piece. Pages that were never touched, or were purged, are not read: reading
 * them would make the kernel map them. They are zeroes. */
static void pid_load(struct pid_state *state, struct piece *piece, uint64_t start)
{
    struct iovec here[PID_RUNS], there[PID_RUNS];
    uint64_t page = state->window.size;
    piece->start = start;
    piece->length = 0;
    if (state->mem >= 0 ||
        !pages_ask(&state->window, start / page, PID_WINDOW / page) ||
        (state->window.flags[0] & PAGE_FILLED) == 0)
        return;
    size_t runs = pid_runs(&state->window, piece->bytes, start, here, there), want = 0;
    for (size_t i = 0; i < runs; i++)
        want += here[i].iov_len;
    ssize_t got = process_vm_readv(state->source->pid, here, runs, there, runs, 0);
    if (got < 0 || (size_t)got != want)
        return;
    piece->length =
        runs == PID_RUNS
            ? (uint64_t)((uintptr_t)here[runs - 1].iov_base - piece->bytes) +
                  here[runs - 1].iov_len
            : PID_WINDOW;
}

static void *ahead_run(void *context)
{
    struct pid_state *state = context;
    struct ahead *a = &state->ahead;
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->busy && !a->quits)
            pthread_cond_wait(&a->wake, &a->lock);
        if (a->quits)
            break;
        pthread_mutex_unlock(&a->lock);
        pid_load(state, &a->piece, a->piece.start);
        pthread_mutex_lock(&a->lock);
        a->busy = false;
        pthread_cond_signal(&a->done);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static void ahead_wait(struct ahead *a)
{
    if (!a->exists)
        return;
    pthread_mutex_lock(&a->lock);
    while (a->busy)
        pthread_cond_wait(&a->done, &a->lock);
    pthread_mutex_unlock(&a->lock);
}

/* Asks for the piece behind the one at hand. */
static void ahead_ask(struct pid_state *state, uint64_t start, uint64_t epoch)
{
    struct ahead *a = &state->ahead;
    if (!a->exists) {
        a->piece.bytes = (uintptr_t)must(aligned_alloc(4096, PID_WINDOW));
        pthread_mutex_init(&a->lock, NULL);
        pthread_cond_init(&a->wake, NULL);
        pthread_cond_init(&a->done, NULL);
        if (pthread_create(&a->thread, NULL, ahead_run, state) != 0) {
            free((void *)a->piece.bytes);
            return;
        }
        a->exists = true;
    }
    pthread_mutex_lock(&a->lock);
    a->piece.start = start;
    a->piece.length = 0;
    a->piece.epoch = epoch;
    a->busy = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

void ahead_end(struct ahead *a)
{
    if (!a->exists)
        return;
    ahead_wait(a);
    pthread_mutex_lock(&a->lock);
    a->quits = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->done);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free((void *)a->piece.bytes);
}

bool pid_fill(struct reader *r, uint64_t address, size_t size)
{
    struct source *s = (struct source *)(void *)r;
    struct pid_state *state = s->state;
    struct ahead *a = &state->ahead;
    uint64_t end = r->start + r->length;
    bool goes_on = r->length != 0 && address + size > end && address < end + PID_WINDOW;
    ahead_wait(a);
    struct piece now = {r->window, align_down(address, state->window.size), 0,
                        r->epoch};
    if (a->exists && a->piece.epoch == r->epoch && a->piece.length != 0 &&
        address >= a->piece.start &&
        address + size <= a->piece.start + a->piece.length) {
        struct piece taken = a->piece;
        a->piece.bytes = r->window;
        now = taken;
    } else {
        pid_load(state, &now, now.start);
    }
    a->piece.length = 0;
    r->window = now.bytes;
    r->start = now.start;
    r->length = now.length;
    if (now.length == 0) {
        /* No answer about pages, or no such call: the plain way. */
        return state->mem >= 0 || state->resident.fd < 0 ? window_fill(r, address, size)
                                                         : false;
    }
    if (goes_on)
        ahead_ask(state, now.start + now.length, r->epoch);
    return reader_has(r, address, size);
}
