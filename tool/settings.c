/* Reading a control block; see settings.h. No state. */
#include "settings.h"

bool settings_read(struct settings *t, struct scan *s)
{
    struct control *b = &t->block;
    uint64_t tune = s->arena_count == 0 ? 0 : s->arenas[0].a.tune;
    t->at = walk_tune(s->walk, tune, TUNE_CONTROL);
    if (t->at == 0 || !reader_get(&s->source->reader, t->at, b, sizeof *b) ||
        memcmp(b->magic, CONTROL_MAGIC, sizeof b->magic) != 0 ||
        b->version != CONTROL_VERSION || b->count > CONTROL_OPTIONS)
        t->at = 0;
    for (unsigned i = 0; t->at != 0 && i < b->count; i++) {
        b->option[i].name[CONTROL_NAME - 1] = '\0';
        b->option[i].origin[CONTROL_ORIGIN - 1] = '\0';
    }
    return t->at != 0;
}

uint64_t settings_value(const struct settings *t, struct scan *s, unsigned i)
{
    const struct control_option *o = &t->block.option[i];
    struct reader *r = &s->source->reader;
    uint64_t at = (uintptr_t)o->where, wide = 0;
    uint32_t narrow = 0;
    char first = '\0';
    if (o->width == sizeof wide && reader_get(r, at, &wide, sizeof wide))
        return wide;
    if (o->width == sizeof first && reader_get(r, at, &first, sizeof first))
        return first != '\0';
    if (o->width == sizeof narrow && reader_get(r, at, &narrow, sizeof narrow))
        return narrow;
    return 0;
}
