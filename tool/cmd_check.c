/*
 * chunky check: the invariants from outside. What a running process seems to break is
 * believed only if it is found again and again while nothing moved. State: the findings.
 */
#include "check.h"
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>
#include <time.h>

enum {
    ERRORS_DEFAULT = 20,
    CHECK_ROUNDS = 8,
    CHECK_KEEP = 4096,
    CHECK_STOPS = 200,
    CHECK_CACHE_STOPS = 20
};

struct check {
    struct scan *scan;
    struct findings now;
    uint64_t chunks;
    unsigned moving; /* arenas that never held still */
    bool fast;       /* no bins, no caches */
    bool *moved;     /* as scan.arenas: in this round */
    unsigned *still; /* rounds in which it did not */
};

static bool check_moved(const struct check *c, uint64_t arena)
{
    for (size_t i = 0; i < c->scan->arena_count; i++)
        if (c->scan->arenas[i].a.address == arena)
            return c->moved[i];
    return false;
}

static uint32_t check_generation(struct walk *w, uint64_t arena)
{
    struct walk_arena a;
    return walk_read_arena(w, arena, &a) ? a.generation : 1;
}

static bool check_same(const struct audit_finding *a, const struct audit_finding *b)
{
    return a->rule == b->rule && a->chunk == b->chunk && a->heap == b->heap &&
           a->other == b->other && a->found == b->found && a->expected == b->expected;
}

/* Findings that the other round has not, go. Those of arenas that moved meanwhile were
 * not looked for, and stay. */
static void check_keep(struct findings *kept, const struct findings *now,
                       const struct check *c)
{
    size_t count = 0;
    for (size_t i = 0; i < kept->count; i++) {
        bool stays = kept->f[i].arena != 0 && check_moved(c, kept->f[i].arena);
        for (size_t j = 0; j < now->count && !stays; j++)
            stays = check_same(&now->f[j], &kept->f[i]);
        if (stays)
            kept->f[count++] = kept->f[i];
    }
    kept->count = count;
}

/* Guarded blocks: each header, beside its record. */
static bool check_guard(void *context, const struct block *b)
{
    struct audit *u = context;
    u->chunks++;
    return b->kind != KIND_BROKEN || audit_find(u, RULE_C1, b->address, 0, 0, 0);
}

/* One round over all arenas. Those that moved meanwhile are not judged. */
static void check_round(struct check *c, struct findings *now)
{
    struct audit u = {.walk = c->scan->walk,
                      .report = check_collect,
                      .context = now,
                      .most = CHECK_KEEP,
                      .chunks_only = c->fast};
    bool live = c->scan->source->reader.is_live;
    c->moving = 0;
    for (size_t i = 0; i < c->scan->arena_count; i++) {
        uint64_t arena = c->scan->arenas[i].a.address;
        uint32_t before = check_generation(u.walk, arena);
        size_t first = now->count;
        window_forget(u.walk->reader);
        check_arena(&u, c->scan, arena);
        uint32_t after = check_generation(u.walk, arena);
        c->moved[i] = live && (before != after || before % 2 != 0);
        if (c->moved[i]) {
            c->moving++;
            now->count = first;
        } else {
            c->still[i]++;
        }
    }
    u.arena = (struct walk_arena){0};
    if (!c->fast)
        audit_caches(&u);
    audit_mapped(&u);
    audit_meta(&u);
    scan_guards(c->scan, check_guard, &u);
    c->chunks = u.chunks;
}

/* Findings of an arena count from the round in which it was first at rest; all others
 * must be the same in every round. */
static void check_add_new(struct check *c, const struct findings *now)
{
    for (size_t i = 0; i < now->count; i++)
        for (size_t a = 0; a < c->scan->arena_count; a++)
            if (c->scan->arenas[a].a.address == now->f[i].arena && c->still[a] == 1 &&
                !c->moved[a])
                check_push(&c->now, &now->f[i]);
}

static void check_run(struct check *c, uint64_t most)
{
    struct timespec pause = {0, 5000000};
    size_t arenas = c->scan->arena_count;
    c->moved = take(arenas);
    c->still = take(arenas * sizeof *c->still);
    check_round(c, &c->now);
    unsigned rounds = c->scan->source->reader.is_live ? CHECK_ROUNDS : 1;
    for (unsigned round = 1; round < rounds; round++) {
        struct findings now = {NULL, 0, 0};
        if (c->now.count == 0 && c->moving == 0)
            break;
        nanosleep(&pause, NULL);
        check_round(c, &now);
        check_keep(&c->now, &now, c);
        check_add_new(c, &now);
        free(now.f);
    }
    c->moving = 0; /* those that never held still */
    for (size_t a = 0; a < arenas; a++)
        c->moving += c->still[a] == 0;
    if (c->now.count > most)
        c->now.count = most;
    free(c->moved);
    free(c->still);
}

/* --- telling ---------------------------------------------------------------- */

static void check_chunk_line(struct draw *d, struct scan *s, const char *what,
                             const struct block *b)
{
    char name[NAME_TEXT];
    fprintf(d->out, "    %s %-16s size 0x%llx, %s\n", what,
            scan_name(s, name, b->address), (unsigned long long)b->size,
            kind_name(b->kind));
}

/* An overwritten header that reads as text tells how far somebody wrote. */
static void check_guess(struct draw *d, struct scan *s, const struct around *a)
{
    unsigned char header[8], before[8];
    char name[NAME_TEXT];
    struct reader *r = s->walk->reader;
    if (!a->has_prev || a->prev.kind != KIND_LIVE ||
        r->read(r, a->at.address + 8, header, 8) != 8 ||
        r->read(r, a->at.address, before, 8) != 8)
        return;
    unsigned printable = 0, same = 0;
    for (unsigned i = 0; i < 8; i++) {
        printable += header[i] >= ' ' && header[i] <= '~';
        same += header[i] == before[7];
    }
    if (printable != 8 && same != 8)
        return;
    fprintf(d->out,
            "    its header reads %s: the block before it (%s, in use) was written "
            "past its "
            "end by 8 bytes or more\n",
            same == 8 ? "like the bytes before it" : "as text",
            scan_name(s, name, a->prev.address));
}

static void check_tell(struct draw *d, struct scan *s, const struct audit_finding *f)
{
    struct around a;
    char name[NAME_TEXT], other[NAME_TEXT];
    unsigned index = 0;
    bool has_arena = false;
    for (size_t i = 0; i < s->arena_count; i++) {
        if (s->arenas[i].a.address == f->arena && f->arena != 0) {
            index = s->arenas[i].a.index;
            has_arena = true;
        }
    }
    draw_text(d, TINT_BAD, "! ");
    if (f->chunk != 0)
        fprintf(d->out, "%s  0x%llx", scan_name(s, name, f->chunk),
                (unsigned long long)f->chunk);
    else if (f->other != 0)
        fprintf(d->out, "0x%llx", (unsigned long long)f->other);
    if (has_arena)
        fprintf(d->out, "%sarena %u", f->chunk != 0 || f->other != 0 ? "  " : "",
                index);
    bool has_place = f->chunk != 0 || f->other != 0 || has_arena;
    fprintf(d->out, "%srule %s\n", has_place ? "\n    " : "", f->rule);
    if (f->found != 0 || f->expected != 0)
        fprintf(d->out, "    found 0x%llx, expected 0x%llx\n",
                (unsigned long long)f->found, (unsigned long long)f->expected);
    if (f->other != 0 && f->chunk != 0)
        fprintf(d->out, "    with %s\n", scan_name(s, other, f->other));
    if (f->chunk == 0 || !around_find(s, f->chunk, &a))
        return;
    if (a.has_prev)
        check_chunk_line(d, s, "before", &a.prev);
    check_chunk_line(d, s, "chunk ", &a.at);
    if (a.has_next)
        check_chunk_line(d, s, "behind", &a.next);
    if (a.at.kind == KIND_BROKEN)
        check_guess(d, s, &a);
    show_hex(d, s->source, a.at.address >= 16 ? a.at.address - 16 : 0, 48);
}

static void check_json(FILE *out, const struct audit_finding *f)
{
    fprintf(out, "{\"rule\":\"%.2s\",\"text\":", f->rule);
    json_string(out, f->rule + 4);
    fprintf(out, ",\"chunk\":");
    json_address(out, f->chunk);
    fprintf(out, ",\"other\":");
    json_address(out, f->other);
    fprintf(out, ",\"arena\":");
    json_address(out, f->arena);
    fprintf(out, ",\"heap\":");
    json_address(out, f->heap);
    fprintf(out, ",\"found\":");
    json_address(out, f->found);
    fprintf(out, ",\"expected\":");
    json_address(out, f->expected);
    fputc('}', out);
}

static void check_print_json(FILE *out, const struct check *c)
{
    fprintf(
        out,
        "{\"schema\":\"chunky-check/1\",\"chunks\":%llu,\"moving\":%u,\"findings\":[",
        (unsigned long long)c->chunks, c->moving);
    for (size_t i = 0; i < c->now.count; i++) {
        fputs(i == 0 ? "\n" : ",\n", out);
        check_json(out, &c->now.f[i]);
    }
    fprintf(out, "]}\n");
}

size_t check_print(struct draw *d, struct scan *s, const struct options *o)
{
    struct check c = {.scan = s, .fast = o->fast};
    char count[SIZE_TEXT];
    if (!options_want(o, "json")) {
        fprintf(d->out, "%s\n", s->source->title);
        fflush(d->out);
    }
    check_run(&c, o->max_errors != 0 ? o->max_errors : ERRORS_DEFAULT);
    if (source_is_gone(s->source))
        c.now.count = 0;
    if (options_want(o, "json")) {
        check_print_json(d->out, &c);
    } else {
        for (size_t i = 0; i < c.now.count; i++)
            check_tell(d, s, &c.now.f[i]);
        fprintf(d->out, "%s chunk%s looked at, %zu finding%s\n",
                text_count(count, c.chunks), text_s(c.chunks), c.now.count,
                text_s(c.now.count));
        if (c.moving != 0)
            fprintf(d->out, "%u of %zu arena%s never at rest and not judged: --stop\n",
                    c.moving, s->arena_count, text_s(s->arena_count));
    }
    size_t found = c.now.count;
    free(c.now.f);
    return found;
}

/* A stopped process whose threads were caught in the middle of a change goes on for a
 * moment, and is stopped again. */
static bool check_is_busy(struct session *n)
{
    scan_settle(&n->scan);
    bool busy = n->scan.is_busy;
    for (size_t i = 0; i < n->scan.arena_count && !busy; i++)
        busy = n->scan.arenas[i].is_busy;
    return busy;
}

static void check_count(struct audit *u, const struct audit_finding *f)
{
    (void)u;
    (void)f;
}

/* A thread may be in the middle of its own cache, for which it needs no lock. */
static bool check_has_cache_findings(struct session *n)
{
    struct audit u = {.walk = n->scan.walk, .report = check_count, .most = 1};
    audit_caches(&u);
    return u.findings != 0;
}

static enum status check_open(struct session *n, struct options *o)
{
    enum status status = session_open(n, o);
    for (unsigned i = 0;
         i < CHECK_STOPS && status == STATUS_OK && o->stop &&
         n->source.kind == SOURCE_PID &&
         (check_is_busy(n) || (i < CHECK_CACHE_STOPS && check_has_cache_findings(n)));
         i++) {
        struct timespec pause = {0, 1000000};
        session_close(n, STATUS_OK);
        nanosleep(&pause, NULL);
        status = session_open(n, o);
    }
    return status;
}

enum status cmd_check(struct options *o)
{
    struct session n;
    enum status status = check_open(&n, o);
    if (status == STATUS_DAMAGED)
        return STATUS_FINDING;
    if (status != STATUS_OK)
        return status;
    size_t found = check_print(&n.draw, &n.scan, o);
    scan_settle(&n.scan);
    if (!options_want(o, "json"))
        show_busy(&n.draw, &n.scan);
    if (found == 0 && n.scan.is_damaged && !n.source.reader.is_live)
        found = 1;
    status = session_close(&n, found != 0 ? STATUS_FINDING : STATUS_OK);
    return status == STATUS_DAMAGED ? STATUS_FINDING : status;
}
