/*
 * chunky check: the invariants from outside. What a running process seems to break is
 * believed only if it is found again and again while nothing moved. State: the findings.
 */
#include "session.h"
#include "show.h"
#include "text.h"

#include "audit/audit.h"

#include <stdlib.h>
#include <time.h>

enum { ERRORS_DEFAULT = 20, CHECK_ROUNDS = 6, CHECK_KEEP = 4096 };

struct findings {
    struct audit_finding *f;
    size_t count;
    size_t room;
};

struct check {
    struct scan *scan;
    struct findings now;
    uint64_t chunks;
    unsigned moving; /* arenas that never held still */
};

static void check_collect(struct audit *u, const struct audit_finding *f)
{
    struct findings *now = u->context;
    if (now->count == now->room) {
        now->room = now->room * 2 + 16;
        now->f = must(realloc(now->f, now->room * sizeof *now->f));
    }
    now->f[now->count++] = *f;
}

static uint32_t check_generation(struct walk *w, uint64_t arena)
{
    struct walk_arena a;
    return walk_read_arena(w, arena, &a) ? a.generation : 1;
}

/* Findings from `from` on that the others have not, go. */
static void check_keep(struct findings *now, const struct findings *before)
{
    size_t kept = 0;
    for (size_t i = 0; i < now->count; i++) {
        bool again = false;
        for (size_t j = 0; j < before->count && !again; j++)
            again = before->f[j].rule == now->f[i].rule &&
                    before->f[j].chunk == now->f[i].chunk &&
                    before->f[j].heap == now->f[i].heap &&
                    before->f[j].other == now->f[i].other;
        if (again)
            now->f[kept++] = now->f[i];
    }
    now->count = kept;
}

/* One round over all arenas. Those that moved meanwhile are not judged by their sums. */
static void check_round(struct check *c, uint64_t most, bool live)
{
    struct audit u = {.walk = c->scan->walk,
                      .report = check_collect,
                      .context = &c->now,
                      .most = most};
    c->now.count = 0;
    c->moving = 0;
    for (size_t i = 0; i < c->scan->arena_count; i++) {
        uint64_t arena = c->scan->arenas[i].a.address;
        uint32_t before = check_generation(u.walk, arena);
        size_t first = c->now.count;
        window_forget(u.walk->reader);
        audit_arena(&u, arena);
        uint32_t after = check_generation(u.walk, arena);
        if (live && (before != after || before % 2 != 0)) {
            c->moving++;
            c->now.count = first;
            u.findings = first;
        }
    }
    u.arena = (struct walk_arena){0};
    audit_caches(&u);
    audit_mapped(&u);
    audit_meta(&u);
    c->chunks = u.chunks;
}

static void check_run(struct check *c, uint64_t most)
{
    bool live = c->scan->source->reader.is_live;
    struct timespec pause = {0, 5000000};
    check_round(c, most, live);
    for (unsigned round = 1; live && round < CHECK_ROUNDS; round++) {
        if (c->now.count == 0 && c->moving == 0)
            return;
        struct findings before = c->now;
        bool was_moving = c->moving != 0;
        c->now = (struct findings){NULL, 0, 0};
        nanosleep(&pause, NULL);
        check_round(c, most, live);
        /* An arena that was passed over before has nothing to be compared with. */
        if (!was_moving || before.count != 0)
            check_keep(&c->now, &before);
        free(before.f);
    }
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
    fprintf(d->out, "\n    rule %s\n", f->rule);
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
    struct check c = {.scan = s};
    char count[SIZE_TEXT];
    check_run(&c, o->max_errors != 0 ? o->max_errors : ERRORS_DEFAULT);
    if (options_want(o, "json")) {
        check_print_json(d->out, &c);
    } else {
        for (size_t i = 0; i < c.now.count; i++)
            check_tell(d, s, &c.now.f[i]);
        fprintf(d->out, "%s: %s chunks looked at, %zu finding%s\n", s->source->title,
                text_count(count, c.chunks), c.now.count, c.now.count == 1 ? "" : "s");
        if (c.moving != 0)
            fprintf(d->out,
                    "%u of %zu arenas were never at rest and are not judged: --stop\n",
                    c.moving, s->arena_count);
    }
    size_t found = c.now.count;
    free(c.now.f);
    return found;
}

enum status cmd_check(struct options *o)
{
    struct session n;
    enum status status = session_open(&n, o);
    if (status == STATUS_DAMAGED)
        return STATUS_FINDING;
    if (status != STATUS_OK)
        return status;
    size_t found = check_print(&n.draw, &n.scan, o);
    if (found == 0 && n.scan.is_damaged && !n.source.reader.is_live)
        found = 1;
    status = session_close(&n, found != 0 ? STATUS_FINDING : STATUS_OK);
    return status == STATUS_DAMAGED ? STATUS_FINDING : status;
}
