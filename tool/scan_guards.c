/*
 * Blocks between guard pages (check=3): the engine's table of them, told as blocks. Their
 * places lie in one reserve, in the table's order. State: in the scan.
 */
#include "scan.h"

#include <stdlib.h>

enum { GUARDS_MOST = 1 << 16, GUARD_CLASSES_MOST = 16 };

static uint64_t guards_word(struct scan *s, enum layout_id at)
{
    const struct layout_field *f = &s->walk->field[at];
    return f->size != 8
               ? 0
               : walk_word(s->walk, s->source->root + (uint64_t)(int32_t)f->offset);
}

static uint64_t guards_field(const struct walk *w, enum layout_id id,
                             const void *record)
{
    return layout_value(&w->field[id], record);
}

/* True if all that a record is read by lies in it. */
static bool guards_fit(const struct walk *w)
{
    uint64_t size = w->field[GUARD_RECORD_SIZE].size;
    for (unsigned id = GUARD_RECORD_BYTES; id <= GUARD_RECORD_GIVEN_THREAD; id++) {
        const struct layout_field *f = &w->field[id];
        bool is_word = id >= GUARDS_START_AT && id <= GUARDS_ROOM_AT;
        if (f->size == 0 || f->size > 8 ||
            (!is_word && f->offset + (uint64_t)f->size * f->count > size))
            return false;
    }
    return size != 0;
}

/* A place that lies where it can. */
static bool guard_is_sane(const struct scan *s, const struct scan_guard *g)
{
    uint64_t page = s->walk->page;
    return g->room != 0 && g->to % page == 0 && g->to <= s->guard_area.end &&
           g->to > s->guard_area.start &&
           g->to - s->guard_area.start >= g->room + page && g->from % page == 0 &&
           g->from < g->to && g->to - g->from <= g->room && g->mem % CHUNK_ALIGN == 0 &&
           g->mem >= g->from + CHUNK_HEADER && g->mem <= g->to &&
           g->bytes <= g->to - g->mem;
}

static void guards_add(struct scan *s, uint64_t at, const void *record)
{
    const struct walk *w = s->walk;
    uint64_t class = guards_field(w, GUARD_RECORD_CLASS, record);
    struct scan_guard g = {.record = at,
                           .mem = guards_field(w, GUARD_RECORD_MEM, record),
                           .bytes = guards_field(w, GUARD_RECORD_BYTES, record),
                           .from = guards_field(w, GUARD_RECORD_FROM, record),
                           .to = guards_field(w, GUARD_RECORD_TO, record),
                           .room = class < GUARD_CLASSES_MOST ? w->page << class : 0,
                           .is_live = guards_field(w, GUARD_RECORD_STATE, record) ==
                                      GUARD_IS_LIVE};
    uint64_t state = guards_field(w, GUARD_RECORD_STATE, record);
    if (state != GUARD_IS_LIVE && state != GUARD_IS_FREED)
        return; /* just being handed out */
    bool follows = s->guard_count == 0 || s->guards[s->guard_count - 1].to < g.to;
    if (!guard_is_sane(s, &g) || !follows)
        s->is_damaged = s->is_damaged || !s->source->reader.is_live;
    else
        s->guards[s->guard_count++] = g;
}

void scan_read_guards(struct scan *s)
{
    struct walk *w = s->walk;
    uint64_t first = guards_word(s, GUARDS_SLOTS_AT), size, used, room;
    if (first == 0 || !guards_fit(w))
        return;
    size = w->field[GUARD_RECORD_SIZE].size;
    room = guards_word(s, GUARDS_ROOM_AT);
    used = walk_word(w, s->source->root +
                            (uint64_t)(int32_t)w->field[GUARDS_USED_AT].offset) &
           UINT32_MAX;
    s->guard_area.start = guards_word(s, GUARDS_START_AT);
    s->guard_area.end = guards_word(s, GUARDS_END_AT);
    s->guard_bump = guards_word(s, GUARDS_BUMP_AT);
    if (s->guard_area.start % w->page != 0 || s->guard_area.end % w->page != 0 ||
        s->guard_bump < s->guard_area.start || s->guard_bump > s->guard_area.end ||
        used >= GUARDS_MOST || room % w->page != 0 || room / size <= used) {
        s->is_damaged = true;
        s->guard_area = (struct region){0, 0};
        s->guard_bump = 0;
        return;
    }
    s->guard_table = (struct region){first, first + room};
    s->guard_table_unused = room - align_up((used + 1) * size, w->page);
    s->guards = take((used + 1) * sizeof *s->guards);
    unsigned char *copy = take(size);
    for (uint64_t i = 1; i <= used; i++) {
        uint64_t at = first + i * size;
        const void *raw = reader_peek(w->reader, at, size);
        if (raw != NULL)
            guards_add(s, at, raw);
        else if (reader_get(w->reader, at, copy, size))
            guards_add(s, at, copy);
        else
            s->is_damaged = true;
    }
    free(copy);
}

/* What its header says: live, broken, or, just before it is handed out or while it is
 * freed, idle. */
static enum kind guard_judge(struct scan *s, const struct block *b,
                             struct walk_chunk *c)
{
    bool got = walk_chunk_anywhere(s->walk, b->address, c);
    bool live = got && c->state == WALK_MAPPED;
    bool wrong = live && (c->size != b->size || (c->prev_size & GUARD_MARK) == 0);
    return !got || c->state == WALK_BROKEN || wrong ? KIND_BROKEN : KIND_GUARDED;
}

static bool guard_is_unchanged(struct scan *s, const struct scan_guard *g)
{
    return walk_element(s->walk, g->record, GUARD_RECORD_STATE, 0) == GUARD_IS_LIVE &&
           walk_element(s->walk, g->record, GUARD_RECORD_MEM, 0) == g->mem;
}

bool scan_guard_block(struct scan *s, const struct scan_guard *g, struct block *b)
{
    struct walk_chunk c = {.flags = 0};
    *b = (struct block){.address = g->mem - CHUNK_HEADER,
                        .size = g->to - g->mem + CHUNK_HEADER,
                        .request = g->bytes,
                        .recorded = true,
                        .kind = KIND_BARRED,
                        .guard = g};
    if (!g->is_live)
        return true;
    b->kind = guard_judge(s, b, &c);
    if (b->kind == KIND_BROKEN && s->source->reader.is_live) {
        window_forget(s->walk->reader);
        if (!guard_is_unchanged(s, g))
            return false; /* freed meanwhile */
        b->kind = guard_judge(s, b, &c);
    }
    b->flags = c.flags;
    b->prev_size = c.prev_size;
    s->is_damaged = s->is_damaged || b->kind == KIND_BROKEN;
    return true;
}

bool scan_guards(struct scan *s, scan_visit *visit, void *context)
{
    struct block b;
    for (size_t i = 0; i < s->guard_count; i++)
        if (scan_guard_block(s, &s->guards[i], &b) && !visit(context, &b))
            return false;
    return true;
}

const struct scan_guard *scan_guard_of(const struct scan *s, uint64_t address)
{
    size_t low = 0, high = s->guard_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->guards[middle].to <= address)
            low = middle + 1;
        else
            high = middle;
    }
    bool has = low < s->guard_count &&
               address >= s->guards[low].to - s->guards[low].room - s->walk->page;
    return has ? &s->guards[low] : NULL;
}

bool scan_guard_has(const struct scan *s, uint64_t address)
{
    return address - s->guard_area.start < s->guard_area.end - s->guard_area.start;
}

uint64_t scan_guard_resident(struct scan *s, const struct scan_guard *g)
{
    if (s->source->run == NULL)
        return g->is_live ? g->to - g->from : 0;
    return scan_resident(s, g->to - g->room - s->walk->page, g->to);
}
