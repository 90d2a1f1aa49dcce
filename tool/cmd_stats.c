/* chunky stats: the table of arenas and the waterfall. No state. */
#include "run.h"
#include "session.h"
#include "show.h"
#include "text.h"

#include <signal.h>
#include <time.h>

enum { BAR_WIDE = 30, BAR_NARROW = 10, COLUMNS_WIDE = 100 };

static unsigned stats_bar(const struct draw *d)
{
    return d->width >= COLUMNS_WIDE ? BAR_WIDE : BAR_NARROW;
}

struct waterfall {
    struct draw *d;
    uint64_t sum, whole; /* of bytes so far, of all */
    bool has_resident;
};

/* One line; the sum grows. */
static void stats_line(struct waterfall *w, char sign, const char *what, uint64_t bytes,
                       uint64_t resident, enum tint t, const char *note)
{
    char size[SIZE_TEXT], in[SIZE_TEXT];
    struct draw *d = w->d;
    fprintf(d->out, "  %c %-9s %10s ", sign, what, text_size(size, bytes));
    draw_bar(d, t, sign == '=' ? 0 : w->sum, bytes, w->whole, stats_bar(d));
    if (w->has_resident)
        fprintf(d->out, " %10s", text_size(in, resident));
    fprintf(d->out, "%s%s\n", note[0] == '\0' ? "" : "  ", note);
    if (sign != '=')
        w->sum += bytes;
}

void show_arenas(struct draw *d, const struct survey *v)
{
    char size[5][SIZE_TEXT], count[SIZE_TEXT], name[TITLE_TEXT];
    const struct scan *s = v->scan;
    fprintf(d->out,
            "  arena heaps      bytes     in use     cached       free        top    "
            "chunks\n");
    for (size_t i = 0; i < s->arena_count; i++) {
        const struct survey_arena *a = &v->arena[i];
        unsigned heaps = 0;
        uint64_t chunks = 0;
        for (size_t h = 0; h < s->heap_count; h++)
            heaps += s->heaps[h].arena == i;
        for (unsigned k = 0; k < KINDS; k++)
            chunks += k == KIND_FENCE ? 0 : a->kind[k].count; /* as chunks lists them */
        heap_title(s->walk, s->arenas[i].a.address, name);
        fprintf(d->out, "  %-5u %5u %10s %10s %10s %10s %10s %9s%s%s%s%s\n",
                s->arenas[i].a.index, heaps, text_size(size[0], a->heap_bytes),
                text_size(size[1], a->kind[KIND_LIVE].size),
                text_size(size[2], survey_size(a, KIND_CACHED, KIND_MOVING)),
                text_size(size[3], survey_size(a, KIND_FAST, KIND_LARGE)),
                text_size(size[4], a->kind[KIND_TOP].size), text_count(count, chunks),
                s->arenas[i].is_damaged ? "  damaged"
                : s->arenas[i].is_torn  ? "  changing"
                                        : "",
                name[0] != '\0' ? "  \"" : "", name, name[0] != '\0' ? "\"" : "");
    }
}

/* Blocks between guard pages: whole pages, in no heap. */
static void stats_guarded(struct waterfall *w, const struct survey *v)
{
    const struct tally *k = v->all.kind;
    char note[128], size[SIZE_TEXT];
    int length =
        snprintf(note, sizeof note, "%llu block%s, %s asked",
                 (unsigned long long)k[KIND_GUARDED].count,
                 text_s(k[KIND_GUARDED].count), text_size(size, v->guarded_asked));
    if (k[KIND_BARRED].count != 0)
        snprintf(note + length, sizeof note - (size_t)length, "; %llu freed",
                 (unsigned long long)k[KIND_BARRED].count);
    if (k[KIND_GUARDED].count + k[KIND_BARRED].count != 0)
        stats_line(w, '+', "guarded", k[KIND_GUARDED].size,
                   k[KIND_GUARDED].resident + k[KIND_BARRED].resident, TINT_LIVE2,
                   note);
}

/* requested > usable > chunk > cached > binned > top > mapped > resident */
void show_waterfall(struct draw *d, const struct survey *v)
{
    const struct survey_arena *a = &v->all;
    const struct tally *k = a->kind;
    uint64_t used = k[KIND_LIVE].size + k[KIND_MAPPED].size + v->lead;
    uint64_t cached = survey_size(a, KIND_CACHED, KIND_MOVING);
    uint64_t binned = survey_size(a, KIND_FAST, KIND_LARGE);
    uint64_t other = k[KIND_FENCE].size + v->meta_size + a->head;
    uint64_t whole = used + cached + binned + k[KIND_TOP].size + k[KIND_KEPT].size +
                     k[KIND_GUARDED].size + k[KIND_BROKEN].size + other;
    struct waterfall w = {d, 0, whole, survey_knows_resident(v)};
    char note[96], size[SIZE_TEXT];
    fprintf(d->out, "  %-11s %10s", "", "bytes");
    if (w.has_resident)
        fprintf(d->out, " %*s %10s", (int)stats_bar(d) + 2, "", "resident");
    fputc('\n', d->out);
    snprintf(note, sizeof note, "%s", a->recorded != 0 ? "" : "asked is not recorded");
    stats_line(&w, ' ', a->recorded != 0 ? "requested" : "usable", a->requested,
               survey_requested_resident(a), TINT_LIVE, note);
    snprintf(note, sizeof note, "internal frag %.1f %%",
             text_percent(used - a->requested, used));
    if (a->recorded != 0)
        stats_line(&w, '+', "slack", a->usable - a->requested, survey_slack_resident(a),
                   TINT_SLACK, "");
    stats_line(&w, '+', "headers", used - a->usable,
               survey_headers_resident(a) + v->lead_resident, TINT_HEADER, note);
    snprintf(note, sizeof note, "%zu thread%s, depots %s", v->scan->cache_count,
             text_s(v->scan->cache_count),
             text_size(size, k[KIND_DEPOT].size + k[KIND_REMOTE].size));
    stats_line(&w, '+', "cached", cached, survey_resident(a, KIND_CACHED, KIND_MOVING),
               TINT_CACHED, note);
    if (k[KIND_RESTING].size != 0)
        fprintf(d->out, "    of that %14s in quarantine (check=2), %s blocks\n",
                text_size(size, k[KIND_RESTING].size),
                text_count((char[SIZE_TEXT]){0}, k[KIND_RESTING].count));
    stats_line(&w, '+', "free bins", binned, survey_resident(a, KIND_FAST, KIND_LARGE),
               TINT_FREE, "");
    uint64_t idle = binned + k[KIND_TOP].size;
    snprintf(note, sizeof note, "external %.0f %%, run %s",
             idle == 0 ? 0.0 : 100.0 - text_percent(a->largest_run, idle),
             text_size(size, a->largest_run));
    stats_line(&w, '+', "top", k[KIND_TOP].size, k[KIND_TOP].resident, TINT_TOP, note);
    if (k[KIND_KEPT].size != 0)
        stats_line(&w, '+', "kept", k[KIND_KEPT].size, k[KIND_KEPT].resident, TINT_FREE,
                   "freed mappings");
    stats_guarded(&w, v);
    if (k[KIND_BROKEN].size != 0)
        stats_line(&w, '+', "broken", k[KIND_BROKEN].size, k[KIND_BROKEN].resident,
                   TINT_BAD, "behind overwritten headers");
    stats_line(&w, '+', "own use", other,
               k[KIND_FENCE].resident + v->meta_resident + a->head, TINT_DIM,
               "metadata, heap ends");
    uint64_t resident = survey_all_resident(v);
    if (w.has_resident)
        snprintf(note, sizeof note, "%s not resident",
                 text_size(size, w.sum > resident ? w.sum - resident : 0));
    else
        snprintf(note, sizeof note, RESIDENT_UNKNOWN);
    stats_line(&w, '=', "mapped", w.sum, resident, TINT_NONE, note);
}

void show_identity(struct draw *d, const struct survey *v)
{
    char size[4][SIZE_TEXT];
    uint64_t ours = survey_all_resident(v);
    if (!v->has_kernel)
        return;
    uint64_t kernel = v->kernel_resident - v->foreign_resident;
    uint64_t apart = kernel > ours ? kernel - ours : ours - kernel;
    fprintf(d->out,
            "  the kernel says %s resident in these mappings: difference %s (%.2f %%)\n"
            "    and %s in the whole process\n",
            text_size(size[0], kernel), text_size(size[1], apart),
            text_percent(apart, kernel), text_size(size[2], v->process_resident));
}

void show_busy(struct draw *d, const struct scan *s)
{
    size_t busy = 0;
    for (size_t i = 0; i < s->arena_count; i++)
        busy += s->arenas[i].is_busy && !s->source->reader.is_live;
    if (busy != 0)
        fprintf(d->out,
                "  %zu of %zu arena%s locked: a thread was in the middle of a change\n",
                busy, s->arena_count, text_s(s->arena_count));
    if (s->is_busy && !s->source->reader.is_live)
        fprintf(d->out, "  the records of mapped chunks, or the engine's own memory: a"
                        " thread was in the middle of a change\n");
}

void show_notes(struct draw *d, const struct survey *v)
{
    const struct scan *s = v->scan;
    size_t torn = 0;
    for (size_t i = 0; i < s->arena_count; i++)
        torn += s->arenas[i].is_torn;
    if (torn != 0)
        fprintf(d->out,
                "  %zu of %zu arena%s changed while being read%s: --stop for an"
                " exact picture\n",
                torn, s->arena_count, text_s(s->arena_count),
                s->source->retries != 0 ? " (parts were read again)" : "");
    show_busy(d, s);
    if (scan_is_damaged(s))
        draw_text(d, TINT_BAD, "  the heap is damaged; chunky check tells where\n");
}

bool scan_is_damaged(const struct scan *s)
{
    bool torn = false;
    for (size_t i = 0; i < s->arena_count; i++) {
        if (s->arenas[i].is_damaged)
            return true;
        torn = torn || s->arenas[i].is_torn;
    }
    return s->is_damaged && !torn;
}

static void stats_once(struct session *n)
{
    struct survey v;
    const struct options *o = n->options;
    if (options_want(o, "text")) {
        fprintf(n->out, "%s\n", n->source.title);
        fflush(n->out);
    }
    survey_take(&v, &n->scan, true, true);
    survey_kernel(&v);
    if (source_is_gone(&n->source)) {
        /* sums of half a heap tell nothing; session_close says why there are none */
    } else if (options_want(o, "json")) {
        stats_json(n->out, &v);
    } else if (options_want(o, "xml")) {
        stats_xml(n->out, &v);
    } else if (options_want(o, "openmetrics")) {
        stats_openmetrics(n->out, &v);
    } else {
        show_arenas(&n->draw, &v);
        show_waterfall(&n->draw, &v);
        show_identity(&n->draw, &v);
        if (o->all)
            stats_config(n->out, &v);
        show_notes(&n->draw, &v);
    }
    survey_free(&v);
}

/* *lost: nobody reads the output any more. */
static enum status stats_look(struct options *o, bool *lost)
{
    struct session n;
    enum status status = session_open(&n, o);
    if (status != STATUS_OK)
        return status;
    stats_once(&n);
    *lost = ferror(n.out) != 0;
    return session_close(&n, STATUS_OK);
}

/* A command is started once, looked at while it lives, and at its end. */
static enum status stats_watch_command(struct options *o)
{
    char number[16];
    bool lost = false;
    int ended;
    if (o->stop)
        return complain(STATUS_USAGE, "--stop with --watch is for a process that runs "
                                      "already, not for -- CMD");
    pid_t pid = run_watched(o->command);
    if (pid < 0)
        return STATUS_UNREADABLE;
    snprintf(number, sizeof number, "%d", (int)pid);
    o->source = number;
    while (!lost && run_lives(pid, o->watch, &ended))
        stats_look(o, &lost); /* before it loads Chunky there is nothing to see */
    o->source = NULL;
    if (lost) {
        kill(pid, SIGTERM);
        return STATUS_OK;
    }
    if (!run_is_held(pid, &ended))
        return STATUS_UNREADABLE;
    o->held = pid;
    return stats_look(o, &lost);
}

enum status cmd_stats(struct options *o)
{
    bool lost = false;
    if (o->watch != 0 && o->source == NULL && o->command != NULL)
        return stats_watch_command(o);
    for (;;) {
        enum status status = stats_look(o, &lost);
        if (o->watch == 0 || lost || (status != STATUS_OK && status != STATUS_DAMAGED))
            return status;
        struct timespec pause = {(time_t)o->watch,
                                 (long)((o->watch - (double)(time_t)o->watch) * 1e9)};
        nanosleep(&pause, NULL);
    }
}
