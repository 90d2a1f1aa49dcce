/* Findings in words and bytes; see describe.h. No state. */
#include "front/describe.h"

#include "base/bits.h"
#include "base/compiler.h"
#include "front/fault.h"
#include "front/mapping.h"
#include "os/os.h"

#include <string.h>

enum { ROW = 16, ROWS_BEFORE = 1, ROWS_MOST = 4 };

static const char *describe_state(const struct view *v)
{
    switch (v->kind) {
    case VIEW_LIVE:
        return "in use";
    case VIEW_IDLE:
        return "free";
    case VIEW_TOP:
        return "top, free";
    case VIEW_FENCE:
        return "end of the heap";
    default:
        return "HEADER OVERWRITTEN";
    }
}

static void describe_view(struct text *t, const char *label, const struct view *v)
{
    if (v->chunk == 0)
        return;
    text_add(t, "  %-7s chunk %p  size 0x%zx  %c%c%c%c  %s", label, (void *)v->chunk,
             v->size, (v->bits & NON_MAIN_ARENA) != 0 ? 'A' : '-',
             (v->bits & IS_MMAPPED) != 0 ? 'M' : '-',
             (v->bits & PREV_INUSE) != 0 ? 'P' : '-',
             (v->bits & HAS_REQUEST) != 0 ? 'R' : '-', describe_state(v));
    if (v->kind == VIEW_LIVE)
        text_add(t, ", %s%zu bytes %s", v->overwritten ? "at most " : "", v->bytes,
                 v->recorded      ? "asked"
                 : v->overwritten ? "asked (the record of it was overwritten)"
                                  : "usable");
    text_add(t, "\n");
}

/* One row of memory, and below it marks under what is not as it should be. */
static void describe_row(struct text *t, uintptr_t row, const struct finding *f)
{
    unsigned char bytes[ROW];
    char marks[3 * ROW + 1];
    unsigned marked = 0;
    size_t got = os_peek((const void *)row, bytes, ROW);
    text_add(t, "    %p ", (void *)row);
    for (unsigned i = 0; i < ROW; i++) {
        size_t at = row + i - f->boundary;
        bool wrong = i < got && at < f->length && bytes[i] != f->expected[at];
        marks[3 * i] = ' ';
        marks[3 * i + 1] = marks[3 * i + 2] = wrong ? '^' : ' ';
        if (wrong)
            marked = 3 * i + 3;
        if (i < got)
            text_add(t, " %02x", bytes[i]);
        else
            text_add(t, " ??");
    }
    text_add(t, "  |");
    for (unsigned i = 0; i < got; i++)
        text_add(t, "%c", bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
    text_add(t, "|\n");
    if (marked != 0) {
        marks[marked] = '\0';
        text_add(t, "    %18s%s\n", "", marks);
    }
}

static void describe_memory(struct text *t, const struct finding *f, uintptr_t around,
                            size_t length)
{
    uintptr_t row = align_down(around, ROW) - ROWS_BEFORE * ROW;
    text_add(t, "  memory around %p%s\n", (void *)around,
             f->length != 0 ? "  (^^: not as Chunky left it)" : "");
    for (unsigned i = 0; i < ROWS_MOST && row < around + max_size(length, ROW); i++) {
        describe_row(t, row, f);
        row += ROW;
    }
}

void describe_frames(struct text *t, const char *title, const struct frames *f)
{
    if (f->thread == 0 || f->count == 0)
        return;
    unsigned number = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        struct mapping m;
        /* Where there are no frame pointers, anything may have been taken for one. */
        if (!mapping_find(f->pc[i], &m) || (m.access & MAPPING_CODE) == 0)
            continue;
        if (number == 0)
            text_add(t, "  %s, thread %u\n", title, f->thread);
        text_add(t, "    #%-2u %p  %s+0x%zx\n", number++, (void *)f->pc[i],
                 m.name[0] == '\0' ? "?" : m.name, f->pc[i] - m.base);
    }
}

/* The address in terms of a block. */
static void describe_offset(struct text *t, uintptr_t address, uintptr_t mem,
                            size_t bytes, const char *what)
{
    if (address < mem)
        text_add(t, "%zu bytes before a %s %zu bytes", mem - address, what, bytes);
    else if (address - mem >= bytes && address != mem)
        text_add(t, "%zu bytes behind the end of a %s %zu bytes", address - mem - bytes,
                 what, bytes);
    else if (address == mem)
        text_add(t, "start of a %s %zu bytes", what, bytes);
    else
        text_add(t, "byte %zu of a %s %zu bytes", address - mem, what, bytes);
    text_add(t, " at %p\n", (void *)mem);
}

static void describe_address(struct text *t, uintptr_t address, const struct located *l)
{
    const struct view *v = &l->at;
    struct mapping m;
    uintptr_t gone, here = (uintptr_t)FRAME_ADDRESS();
    size_t bytes;
    text_add(t, "  %p is ", (void *)address);
    if (v->kind == VIEW_LIVE || v->kind == VIEW_IDLE) {
        describe_offset(t, address, v->chunk + CHUNK_HEADER,
                        v->kind == VIEW_LIVE ? v->bytes : v->size - CHUNK_OVERHEAD,
                        v->kind == VIEW_IDLE ? "free chunk of"
                        : v->overwritten     ? "block of at most"
                                             : "block of");
    } else if (v->kind != VIEW_NONE) {
        text_add(t, "in chunk %p: %s\n", (void *)v->chunk, describe_state(v));
    } else if (l->kind == LOCATED_NO_CHUNK) {
        text_add(t, "in a heap but in none of its chunks, %zu bytes from its start\n",
                 address - (uintptr_t)l->heap.start);
    } else if (l->kind == LOCATED_SPARE) {
        text_add(t, "in a heap that was destroyed, or had no block left\n");
    } else if (l->kind == LOCATED_RECORDS) {
        text_add(t, "in Chunky's own records, not in a heap\n");
    } else if (fault_was_unmapped(address, &gone, &bytes)) {
        describe_offset(t, address, gone, bytes, "freed block, once a mapping, of");
    } else if (!mapping_find(address, &m)) {
        text_add(t, "not mapped\n");
    } else if (here - m.start < m.end - m.start || m.name[0] == '[') {
        text_add(t, "in the %s, not in the heap\n",
                 m.name[0] == '[' ? m.name : "stack of this thread");
    } else {
        text_add(t, "in %s, offset 0x%zx, not in the heap\n",
                 m.name[0] == '\0' ? "memory that Chunky did not map" : m.name,
                 address - m.base);
    }
}

/* Which of the bytes that are known are wrong, in terms of the block: `bytes` were its
 * user's. */
static void describe_damage(struct text *t, const struct finding *f, size_t bytes)
{
    unsigned char now[REPORT_EXPECTED];
    size_t got = os_peek((const void *)f->boundary, now, f->length), first = got,
           last = 0;
    for (size_t i = 0; i < got; i++) {
        if (now[i] == f->expected[i])
            continue;
        first = min_size(first, i);
        last = i;
    }
    if (first == got || f->boundary < (uintptr_t)f->mem)
        return;
    size_t from = f->boundary - (uintptr_t)f->mem;
    text_add(t, first == last ? "  wrong   byte %zu" : "  wrong   bytes %zu to %zu",
             from + first, from + last);
    if (from + first >= bytes)
        text_add(t, ": reaches %zu past its end%s", from + last + 1 - bytes,
                 last + 1 == f->length ? ", or more" : "");
    text_add(t, "\n");
}

/* The record is gone, but some of the keyed bytes stand. */
static void describe_request(struct text *t, const struct finding *f,
                             const struct view *v)
{
    size_t from = f->boundary - (uintptr_t)f->mem;
    if (v->overwritten && v->chunk + CHUNK_HEADER == (uintptr_t)f->mem &&
        from <= v->bytes)
        text_add(t,
                 "  likely  %zu bytes asked: keyed bytes behind so many still stand\n",
                 from);
}

/* Where it is not known what a wrong header should say, all of it is marked. */
static void describe_header(struct text *t, const struct located *l)
{
    uint64_t right;
    struct finding f = {.boundary = l->walked_to + CHUNK_HEADER - sizeof right,
                        .length = sizeof right};
    if (!locate_header(l, &right)) {
        os_peek((const void *)f.boundary, &right, sizeof right);
        right = ~right;
    }
    memcpy(f.expected, &right, sizeof right);
    describe_memory(t, &f, f.boundary, f.length);
}

void describe_place(struct text *t, const struct finding *f, uintptr_t address,
                    const struct located *l)
{
    describe_address(t, address, l);
    if (l->kind < LOCATED_HEAP)
        return;
    describe_view(t, "before", &l->before);
    describe_view(t, "this", &l->at);
    describe_view(t, "behind", &l->after);
    text_add(t, "  place   ");
    locate_say(t, l);
    text_add(t, "\n");
    if (l->walked_to != 0 && l->walked_to < l->at.chunk)
        text_add(t, "  first overwritten header of this heap: chunk %p\n",
                 (void *)l->walked_to);
    if (f->boundary != 0) {
        describe_request(t, f, &l->at);
        describe_damage(t, f, l->at.kind == VIEW_LIVE ? l->at.bytes : SIZE_MAX);
    }
    if (f->boundary != 0)
        describe_memory(t, f, f->boundary, f->length);
    else if (l->walked_to != 0)
        describe_header(t, l);
    else
        describe_memory(t, f, address, ROW);
}

void describe_guarded(struct text *t, const struct finding *f)
{
    const struct guard *g = f->guard;
    uintptr_t address = (uintptr_t)f->mem + (uintptr_t)f->offset;
    text_add(t, "  %p is ", (void *)address);
    describe_offset(t, address, g->mem, g->bytes,
                    g->state == GUARD_LIVE ? "guarded block of"
                                           : "freed guarded block of");
    if (f->boundary != 0) {
        describe_damage(t, f, g->bytes);
        describe_memory(t, f, f->boundary, f->length);
    }
}
