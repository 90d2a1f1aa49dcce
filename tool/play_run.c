/* Steps through a script; see play_run.h. No state but the run's. */
#include "play_run.h"

#include "core/trace.h"
#include "play_list.h"

#include <ctype.h>

static size_t run_slot(const struct play_run *r, uint64_t mem)
{
    /* Neighbours in the heap are neighbours in the table: it is read in their order. */
    size_t i = (size_t)((mem >> 4) + (mem >> 26) * 0x9e3779b1ULL) & (r->owner_room - 1);
    while (r->owner[i].mem != 0 && r->owner[i].mem != mem)
        i = (i + 1) & (r->owner_room - 1);
    return i;
}

static void run_grow_owners(struct play_run *r)
{
    struct play_owner *old = r->owner;
    size_t room = r->owner_room;
    r->owner_room = room == 0 ? 256 : room * 4;
    r->owner = calloc(r->owner_room, sizeof *r->owner);
    if (r->owner == NULL)
        list_fail();
    for (size_t i = 0; i < room; i++)
        if (old[i].mem != 0)
            r->owner[run_slot(r, old[i].mem)] = old[i];
    free(old);
}

static void run_own(struct play_run *r, uint64_t mem, const struct play_op *op,
                    int name)
{
    if (r->owners * 2 >= r->owner_room)
        run_grow_owners(r);
    struct play_owner *o = &r->owner[run_slot(r, mem)];
    r->owners += o->mem == 0;
    *o = (struct play_owner){mem, op->number, name};
}

const struct play_owner *play_run_owner(const struct play_run *r, uint64_t mem)
{
    if (r->owner_room == 0)
        return NULL;
    const struct play_owner *o = &r->owner[run_slot(r, mem)];
    return o->mem == 0 ? NULL : o;
}

char play_run_letter(const struct play_run *r, const struct heap_chunk *c)
{
    const struct play_owner *o = play_run_owner(r, c->at + CHUNK_HEADER);
    /* By the operation, so that a block keeps its glyph while others come and go. */
    uint64_t turn = o == NULL ? c->at / CHUNK_ALIGN : o->op;
    char other = turn % 2 == 0 ? 'o' : 'x';
    if (o == NULL || o->name < 0)
        return other;
    const char *name = r->script->name.text[o->name];
    int initial = tolower((unsigned char)name[0]);
    bool letter = initial >= 'a' && initial <= 'z';
    if (!letter || (name[1] != '\0' && r->script->name.initial[initial - 'a'] > 1))
        return other;
    return (char)toupper(initial);
}

static void run_note_extent(struct play_run *r, const char *name, uint64_t bytes)
{
    size_t i = 0;
    while (i < r->extents && strcmp(r->extent[i].name, name) != 0)
        i++;
    if (i == PLAY_EXTENTS)
        return;
    if (i == r->extents) {
        r->extents++;
        memset(&r->extent[i], 0, sizeof r->extent[i]);
        snprintf(r->extent[i].name, sizeof r->extent[i].name, "%s", name);
    }
    if (r->extent[i].bytes < bytes)
        r->extent[i].bytes = bytes;
}

static void run_measure(struct play_run *r)
{
    for (size_t i = 0; i < r->heap.regions; i++)
        run_note_extent(r, r->heap.region[i].name, r->heap.region[i].used);
}

uint64_t play_run_extent(const struct play_run *r, const struct heap_region *region)
{
    for (size_t i = 0; i < r->extents; i++)
        if (strcmp(r->extent[i].name, region->name) == 0)
            return r->extent[i].bytes;
    return region->end - region->start;
}

void play_run_expect(struct play_run *r, const struct play_run *former)
{
    r->expects = true;
    for (size_t i = 0; i < former->extents; i++)
        run_note_extent(r, former->extent[i].name, former->extent[i].bytes);
}

bool play_run_start(struct play_run *r, const struct play_script *script,
                    enum play_mode mode)
{
    memset(r, 0, sizeof *r);
    r->script = script;
    return play_session_start(&r->session, mode, NULL);
}

/* What the program's variables hold after a call. */
static void run_assign(struct play_run *r, const struct play_op *op)
{
    uint64_t result = r->session.result;
    bool resizes = op->verb == PLAY_REALLOC || op->verb == PLAY_REALLOCARRAY;
    if (!play_shapes[op->verb].result || op->part == PLAY_HELD)
        return;
    int name = op->target;
    if (name < 0 && resizes && (result != 0 || play_op_bytes(op) == 0))
        name = op->source;
    if (name >= 0)
        r->value[name] = result;
    if (result != 0) {
        run_own(r, result, op, name);
        play_heap_touch(&r->heap, result);
    }
}

/* Variables that the script got since the last step: letters depend on all of them. */
static void run_know_names(struct play_run *r)
{
    size_t names = r->script->name.count;
    if (names == r->values)
        return;
    r->value =
        list_room(r->value, &r->value_room, 0, names > 0 ? names : 1, sizeof *r->value);
    while (r->values < names)
        r->value[r->values++] = 0;
    r->values = names;
    play_heap_touch_all(&r->heap);
}

/* A block that went to the thread's cache or came from it is all that was written to: most
 * steps of a large trace are of this kind, and its heap is not read again for them. */
static bool run_is_cached(const struct play_run *r, struct image_span *span)
{
    const struct play_session *s = &r->session;
    bool one = s->rules == 1 && s->rules_lost == 0 && s->calls == 0 && !s->ended;
    bool takes = r->op->verb == PLAY_MALLOC || r->op->verb == PLAY_CALLOC;
    bool hit = one && s->rule[0].rule == TRACE_CACHE_HIT && takes;
    bool put = one && s->rule[0].rule == TRACE_CACHE_PUT && r->op->verb == PLAY_FREE;
    uint64_t mem = hit ? s->result : r->mem;
    if (one)
        *span = (struct image_span){mem - CHUNK_HEADER, mem + s->rule[0].value};
    return (hit || put) && r->op->part == PLAY_WHOLE && mem != 0;
}

bool play_run_step(struct play_run *r)
{
    const struct play_script *script = r->script;
    if (r->next == script->count || r->session.ended || r->session.pid <= 0)
        return false;
    const struct play_op *op = &script->op[r->next++];
    r->op = op;
    if (op->verb == PLAY_TAG)
        return true;
    run_know_names(r);
    snprintf(r->session.name[op->thread % 64], sizeof r->session.name[0], "%s",
             script->thread.text[op->thread]);
    r->mem = op->source < 0 ? 0 : r->value[op->source] + (uint64_t)op->shift;
    bool done = r->look == RUN_WHOLE ? play_session_step(&r->session, op, r->mem)
                                     : play_session_skip(&r->session, op, r->mem);
    if (!done && r->session.pid <= 0)
        return true;
    bool whole = r->look == RUN_WHOLE;
    r->heap.is_known = r->is_read && whole && run_is_cached(r, &r->heap.span);
    r->is_read = whole;
    if (r->look != RUN_BLIND)
        play_heap_read(&r->heap, &r->session, r->look == RUN_OUTLINE);
    if (!r->session.ended)
        run_assign(r, op);
    run_measure(r);
    return true;
}

void play_run_skip(struct play_run *r, unsigned number)
{
    r->look = r->expects ? RUN_BLIND : RUN_OUTLINE;
    while (r->next < r->script->count && r->script->op[r->next].number < number &&
           play_run_step(r))
        continue;
    r->look = RUN_WHOLE;
    r->heap.is_known = false;
    if (r->expects && r->op != NULL)
        r->is_read = play_heap_read(&r->heap, &r->session, false);
}

void play_run_stop(struct play_run *r)
{
    play_session_stop(&r->session);
    play_heap_free(&r->heap);
    free(r->value);
    free(r->owner);
    r->value = NULL;
    r->owner = NULL;
    r->owners = r->owner_room = r->values = r->value_room = 0;
}
