/* Reading call sites; see sites.h. State: in the struct. */
#include "sites.h"

#include <stdlib.h>

enum { SITES_MOST = 1 << 16 };

static const char *sites_path(struct sites *t, const char *path)
{
    for (size_t i = 0; i < t->paths; i++)
        if (strcmp(t->path[i], path) == 0)
            return t->path[i];
    t->path = must(realloc(t->path, (t->paths + 1) * sizeof *t->path));
    return t->path[t->paths++] = must(strdup(path));
}

struct site_frame site_frame_of(const struct source *s, uint64_t pc)
{
    const struct map *m = source_map_of(s, pc - 1);
    if (m == NULL || m->name[0] == '\0')
        return (struct site_frame){"", pc};
    while (m > s->maps && m->offset != 0 && strcmp(m[-1].name, m->name) == 0)
        m--;
    return (struct site_frame){m->name, pc - m->start};
}

static struct site_frame sites_frame(struct sites *t, const struct source *s,
                                     uint64_t pc)
{
    struct site_frame f = site_frame_of(s, pc);
    if (f.path[0] != '\0')
        f.path = sites_path(t, f.path);
    return f;
}

static bool site_same(const struct site *a, const struct site *b)
{
    bool same = a->hash == b->hash && a->depth == b->depth;
    for (unsigned i = 0; same && i < a->depth; i++)
        same = a->frame[i].path == b->frame[i].path &&
               a->frame[i].offset == b->frame[i].offset;
    return same;
}

static size_t sites_place(const struct sites *t, const struct site *wanted)
{
    size_t i = (size_t)wanted->hash & (t->room - 1);
    while (t->slot[i] != 0 && !site_same(&t->site[t->slot[i] - 1], wanted))
        i = (i + 1) & (t->room - 1);
    return i;
}

static void sites_grow(struct sites *t)
{
    free(t->slot);
    t->room = t->room == 0 ? 256 : 2 * t->room;
    t->slot = take(t->room * sizeof *t->slot);
    t->site = must(realloc(t->site, t->room / 2 * sizeof *t->site));
    for (size_t i = 0; i < t->count; i++)
        t->slot[sites_place(t, &t->site[i])] = (uint32_t)(i + 1);
}

static struct site *sites_get(struct sites *t, const struct site *wanted)
{
    if (2 * t->count >= t->room)
        sites_grow(t);
    size_t at = sites_place(t, wanted);
    if (t->slot[at] == 0) {
        t->site[t->count++] = *wanted;
        t->slot[at] = (uint32_t)t->count;
    }
    return &t->site[t->slot[at] - 1];
}

/* One record of the process's table. */
static void sites_add(struct sites *t, struct scan *s, unsigned side,
                      const void *record)
{
    const struct layout_field *field = s->walk->field,
                              *stack = &field[GUARD_RECORD_STACK];
    struct site new = {.hash = 0};
    uint64_t bytes = layout_value(&field[GUARD_RECORD_BYTES], record);
    uint64_t depth = layout_value(&field[GUARD_RECORD_DEPTH], record);
    if (layout_value(&field[GUARD_RECORD_STATE], record) != GUARD_IS_LIVE)
        return;
    depth = depth < stack->count ? depth : stack->count;
    for (; new.depth < depth &&new.depth < SITE_DEPTH; new.depth++) {
        struct layout_field one = {stack->offset + new.depth * stack->size, stack->size,
                                   1};
        struct site_frame f = sites_frame(t, s->source, layout_value(&one, record));
        new.frame[new.depth] = f;
        new.hash = (new.hash ^ (uintptr_t)f.path ^ f.offset) * 0x9e3779b97f4a7c15u;
        new.hash ^= new.hash >> 29;
    }
    struct site *site = sites_get(t, &new);
    site->count[side]++;
    site->bytes[side] += bytes;
    t->blocks[side]++;
    t->bytes[side] += bytes;
}

static bool sites_fit(const struct walk *w)
{
    uint64_t size = w->field[GUARD_RECORD_SIZE].size;
    for (unsigned id = GUARD_RECORD_BYTES; id <= GUARD_RECORD_STACK; id++) {
        const struct layout_field *f = &w->field[id];
        if (f->size == 0 || f->size > 8 ||
            f->offset + (uint64_t)f->size * f->count > size)
            return false;
    }
    return size != 0;
}

bool sites_table(struct scan *s, uint64_t *first, uint64_t *count)
{
    struct walk *w = s->walk;
    uint64_t root = s->source->root;
    if (w->field[GUARDS_SLOTS_AT].size != 8 || !sites_fit(w))
        return false;
    *first = walk_word(w, root + (uint64_t)(int32_t)w->field[GUARDS_SLOTS_AT].offset);
    *count = walk_word(w, root + (uint64_t)(int32_t)w->field[GUARDS_USED_AT].offset) &
             UINT32_MAX;
    return *first != 0 && *count < SITES_MOST;
}

void sites_read(struct sites *t, struct scan *s, unsigned side)
{
    uint64_t first, count, size = s->walk->field[GUARD_RECORD_SIZE].size;
    if (!sites_table(s, &first, &count))
        return;
    unsigned char *record = take(size);
    t->kept[side] = true;
    t->rate[side] = s->arena_count == 0
                        ? 0
                        : walk_tune(s->walk, s->arenas[0].a.tune, TUNE_GUARD_RATE);
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t at = first + i * size;
        /* By way of the window: records are many and lie side by side. */
        const void *raw = reader_peek(s->walk->reader, at, size);
        if (raw != NULL)
            memcpy(record, raw, size);
        if (raw != NULL || reader_get(s->walk->reader, at, record, size))
            sites_add(t, s, side, record);
    }
    free(record);
}

static uint64_t site_apart(const struct site *s)
{
    return s->bytes[0] > s->bytes[1] ? s->bytes[0] - s->bytes[1]
                                     : s->bytes[1] - s->bytes[0];
}

static int site_by_change(const void *x, const void *y)
{
    const struct site *p = x, *q = y;
    uint64_t a = site_apart(p), b = site_apart(q);
    if (a != b)
        return a > b ? -1 : 1;
    for (unsigned i = 0; i < p->depth && i < q->depth; i++)
        if (p->frame[i].offset != q->frame[i].offset)
            return p->frame[i].offset < q->frame[i].offset ? -1 : 1;
    return p->depth < q->depth ? -1 : p->depth > q->depth;
}

void sites_sort(struct sites *t)
{
    if (t->count != 0)
        qsort(t->site, t->count, sizeof *t->site, site_by_change);
}

void sites_close(struct sites *t)
{
    for (size_t i = 0; i < t->paths; i++)
        free(t->path[i]);
    free(t->path);
    free(t->site);
    free(t->slot);
}
