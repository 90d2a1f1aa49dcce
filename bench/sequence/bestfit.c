/* What dlmalloc-like best fit would need for a recording: a model, not an allocator.
 * 8 bytes of overhead, 16-byte units, smallest chunk 32, both neighbours merged at
 * once, exact best fit, blocks from 256 KiB mapped.
 * Prints the peak of the footprint (whole pages), as if all of it were resident. */
#include "sequence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    UNIT = 16,
    SMALLEST = 2,   /* units */
    BINS = 1 << 16, /* exact sizes up to 1 MiB; the last bin holds the rest */
    MAPPED = 256 << 10,
    PAGE = 4096
};
#define HEAP_UNITS ((uint64_t)1 << 28) /* 4 GiB: the table is sparse */

struct unit {      /* the first unit of a chunk; the last one of a free chunk */
    uint32_t size; /* units */
    uint32_t used;
    uint32_t next, prev; /* in the bin; 0 is none (unit 0 is never a chunk) */
};

struct place {       /* where a slot's block lies */
    uint32_t chunk;  /* 0: mapped or none */
    uint64_t mapped; /* bytes of its mapping */
};

static struct unit *heap;
static uint32_t bins[BINS];
static uint64_t bin_bits[BINS / 64], bin_words[BINS / 64 / 64];
static uint32_t top = 1; /* first unit of the top, which has no end */
static uint64_t mapped, peak;

static uint32_t bin_of(uint32_t size)
{
    return size < BINS - 1 ? size : BINS - 1;
}

static void bin_mark(uint32_t bin, bool filled)
{
    uint64_t bit = (uint64_t)1 << bin % 64, word = (uint64_t)1 << bin / 64 % 64;
    bin_bits[bin / 64] = filled ? bin_bits[bin / 64] | bit : bin_bits[bin / 64] & ~bit;
    uint64_t *up = &bin_words[bin / 64 / 64];
    *up = bin_bits[bin / 64] ? *up | word : *up & ~word;
}

static void bin_add(uint32_t c)
{
    uint32_t bin = bin_of(heap[c].size), first = bins[bin];
    heap[c].next = first;
    heap[c].prev = 0;
    if (first)
        heap[first].prev = c;
    bins[bin] = c;
    bin_mark(bin, true);
    heap[c].used = 0;
    heap[c + heap[c].size - 1].size = heap[c].size;
    heap[c + heap[c].size - 1].used = 0;
}

static void bin_remove(uint32_t c)
{
    uint32_t bin = bin_of(heap[c].size);
    if (heap[c].next)
        heap[heap[c].next].prev = heap[c].prev;
    if (heap[c].prev)
        heap[heap[c].prev].next = heap[c].next;
    else
        bins[bin] = heap[c].next;
    if (!bins[bin])
        bin_mark(bin, false);
}

static unsigned lowest(uint64_t word)
{
    unsigned at = 0;
    while (!(word >> at & 1))
        at++;
    return at;
}

/* The first filled bin at or after `bin`, or BINS. */
static uint32_t bin_next(uint32_t bin)
{
    uint64_t rest = bin_bits[bin / 64] >> bin % 64;
    if (rest)
        return bin + lowest(rest);
    for (uint32_t w = bin / 64 + 1; w < BINS / 64; w++) {
        if (w % 64 == 0 && !bin_words[w / 64])
            w += 63;
        else if (bin_bits[w])
            return w * 64 + lowest(bin_bits[w]);
    }
    return BINS;
}

static uint32_t best_fit(uint32_t size)
{
    uint32_t bin = bin_next(bin_of(size)), best = 0;
    if (bin == BINS)
        return 0;
    if (bin < BINS - 1)
        return bins[bin];
    for (uint32_t c = bins[bin]; c; c = heap[c].next)
        if (heap[c].size >= size && (!best || heap[c].size < heap[best].size))
            best = c;
    return best;
}

static void peak_note(void)
{
    uint64_t pages = ((uint64_t)top * UNIT + PAGE - 1) / PAGE * PAGE + mapped;
    if (pages > peak)
        peak = pages;
}

static void chunk_use(uint32_t c, uint32_t size)
{
    heap[c].size = size;
    heap[c].used = 1;
    heap[c + size - 1].used = 1;
}

static void chunk_split(uint32_t c, uint32_t whole, uint32_t size)
{
    if (whole - size < SMALLEST)
        size = whole;
    chunk_use(c, size);
    if (whole > size) {
        heap[c + size].size = whole - size;
        bin_add(c + size);
    }
}

static uint32_t chunk_take(uint32_t size)
{
    uint32_t c = best_fit(size);
    if (c) {
        uint32_t whole = heap[c].size;
        bin_remove(c);
        chunk_split(c, whole, size);
        return c;
    }
    c = top;
    if (top > 1 && !heap[top - 1].used) { /* cannot be: it would have joined the top */
        fputs("model: free chunk below the top\n", stderr);
        exit(3);
    }
    top += size;
    if (top >= HEAP_UNITS - 1) {
        fputs("model: heap too large\n", stderr);
        exit(3);
    }
    chunk_use(c, size);
    peak_note();
    return c;
}

static void chunk_give(uint32_t c)
{
    uint32_t size = heap[c].size, next = c + size;
    if (next < top && !heap[next].used) {
        bin_remove(next);
        size += heap[next].size;
    }
    if (c > 1 && !heap[c - 1].used) {
        uint32_t before = c - heap[c - 1].size;
        bin_remove(before);
        size += heap[before].size;
        c = before;
    }
    heap[c].size = size;
    if (c + size == top)
        top = c;
    else
        bin_add(c);
}

static bool chunk_grow(uint32_t c, uint32_t size)
{
    uint32_t whole = heap[c].size, next = c + whole;
    if (size <= whole) {
        uint32_t rest = whole - size;
        if (rest >= SMALLEST) { /* the rest, as a chunk of its own, is then freed */
            chunk_use(c, size);
            chunk_use(c + size, rest);
            chunk_give(c + size);
        }
        return true;
    }
    if (next == top) {
        top = c + size;
        chunk_use(c, size);
        peak_note();
        return true;
    }
    if (heap[next].used || whole + heap[next].size < size)
        return false;
    whole += heap[next].size;
    bin_remove(next);
    chunk_split(c, whole, size);
    return true;
}

static uint32_t units_of(uint64_t bytes)
{
    uint32_t units = (uint32_t)((bytes + 8 + UNIT - 1) / UNIT);
    return units < SMALLEST ? SMALLEST : units;
}

static void place_free(struct place *p)
{
    if (p->chunk)
        chunk_give(p->chunk);
    mapped -= p->mapped;
    *p = (struct place){0, 0};
}

static void place_take(struct place *p, uint64_t bytes, unsigned log)
{
    if (log > 4)
        bytes += ((uint64_t)1 << log) - UNIT; /* the room to slide in, kept */
    if (bytes >= MAPPED) {
        p->mapped = (bytes + 16 + PAGE - 1) / PAGE * PAGE;
        mapped += p->mapped;
        peak_note();
    } else {
        p->chunk = chunk_take(units_of(bytes));
    }
}

static void place_resize(struct place *from, struct place *to, uint64_t bytes)
{
    struct place was = *from;
    *from = (struct place){0, 0};
    bool grows = was.chunk && chunk_grow(was.chunk, units_of(bytes));
    if (grows) {
        *to = was;
        return;
    }
    if (was.mapped && bytes >= MAPPED) { /* mremap */
        mapped -= was.mapped;
        *to = (struct place){0, 0};
        place_take(to, bytes, 0);
        return;
    }
    struct place fresh = {0, 0};
    place_take(&fresh, bytes, 0);
    place_free(&was);
    *to = fresh;
}

int main(int argc, char **argv)
{
    static struct sequence s;
    if (argc != 2)
        sequence_die("usage", "bestfit RECORDING");
    sequence_load(&s, argv[1]);
    heap = sequence_table(HEAP_UNITS * sizeof *heap);
    struct place *places = sequence_table(s.slots * sizeof *places);
    for (size_t i = 0; i < s.count; i++) {
        const struct step *step = &s.steps[i];
        if (step->kind == STEP_FREE)
            place_free(&places[step->slot]);
        else if (step->kind == STEP_RESIZE)
            place_resize(&places[step->from], &places[step->slot], step->bytes);
        else
            place_take(&places[step->slot], step->bytes, step->log);
    }
    printf("ops=%zu peak_live=%llu peak_heap=%llu\n", s.count,
           (unsigned long long)s.peak_live, (unsigned long long)peak);
    return 0;
}
