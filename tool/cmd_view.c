/*
 * chunky view: the heap as one HTML file that needs no network. Chunks are two or three
 * bytes each, packed; huge heaps are sums by 64 KiB. State: the view.
 */
#include "follow.h"
#include "page.h"
#include "session.h"
#include "show.h"
#include "signals.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNKS_MAX = 4 << 20, COARSE = 65536, KIND_RECORDED = 15, BYTES_MAX = 4 << 20 };

typedef unsigned long long ull;

struct view {
    struct session *n;
    struct survey survey;
    FILE *blob, *meta;
    uint64_t blob_size;
    bool capped;       /* too many chunks: sums instead */
    uint64_t from, to; /* chunks that are told one by one */
    /* The heap that is being written. */
    uint64_t base, count, skip;
    bool has_first;
    uint64_t sums[4]; /* of the coarse cell: live, cached, free, top */
    uint64_t cell;    /* its number */
};

static void view_byte(struct view *v, unsigned byte)
{
    fputc((int)byte, v->blob);
    v->blob_size++;
}

static void view_varint(struct view *v, uint64_t n)
{
    for (; n >= 128; n >>= 7)
        view_byte(v, (unsigned)(n & 127) | 128);
    view_byte(v, (unsigned)n);
}

/* --- chunks ----------------------------------------------------------------- */

static bool view_chunk(void *context, const struct block *b)
{
    struct view *v = context;
    if (b->address + b->size <= v->from || b->address >= v->to)
        return b->address < v->to;
    uint64_t slack = b->size - CHUNK_OVERHEAD - b->request;
    bool recorded = b->kind == KIND_LIVE && b->recorded;
    if (!v->has_first)
        v->skip = b->address - v->base;
    v->has_first = true;
    v->count++;
    view_varint(v, (b->size & ~(uint64_t)15) | (recorded ? KIND_RECORDED : b->kind));
    if (recorded)
        view_varint(v, slack);
    return true;
}

/* Shares of 255 of what is in the cell that is done. */
static void view_cell_done(struct view *v)
{
    for (unsigned i = 0; i < 4; i++)
        view_byte(v, (unsigned)((v->sums[i] * 255 + COARSE / 2) / COARSE));
    memset(v->sums, 0, sizeof v->sums);
    v->cell++;
}

static bool view_coarse(void *context, const struct block *b)
{
    struct view *v = context;
    int slot = b->kind == KIND_LIVE                              ? 0
               : kind_is_cached(b->kind) || b->kind == KIND_FAST ? 1
               : b->kind == KIND_TOP                             ? 3
               : kind_is_free(b->kind)                           ? 2
                                                                 : -1;
    uint64_t at = b->address - v->base, end = at + b->size;
    while (at < end) {
        while (at / COARSE > v->cell)
            view_cell_done(v);
        uint64_t stop = (v->cell + 1) * COARSE < end ? (v->cell + 1) * COARSE : end;
        if (slot >= 0)
            v->sums[slot] += stop - at;
        at = stop;
    }
    return true;
}

/* One bit a page. */
static uint64_t view_resident(struct view *v, const struct walk_heap *h)
{
    struct source *s = &v->n->source;
    uint64_t page = s->walk.page, count = 0;
    unsigned byte = 0;
    if (s->run == NULL)
        return 0;
    for (uint64_t at = align_down(h->start, page); at < h->end; at += page) {
        byte |= (scan_resident(&v->n->scan, at, at + page) != 0 ? 1U : 0U)
                << (count % 8);
        if (++count % 8 == 0) {
            view_byte(v, byte);
            byte = 0;
        }
    }
    view_byte(v, byte);
    return count;
}

static void view_heap(struct view *v, struct scan_heap *h, const char *comma)
{
    struct scan *s = &v->n->scan;
    char name[NAME_TEXT];
    uint64_t coarse_at, chunks_at, resident_at;
    scan_name(s, name, h->h.first);
    name[strcspn(name, "+")] = '\0';
    v->base = align_down(h->h.start, s->walk->page);
    v->count = v->skip = v->cell = 0;
    v->has_first = false;
    coarse_at = v->blob_size;
    if (v->capped) {
        scan_heap(s, h, view_coarse, v);
        view_cell_done(v);
    }
    uint64_t coarse_count = v->capped ? v->cell : 0;
    chunks_at = v->blob_size;
    if (h->h.start < v->to && h->h.end > v->from)
        scan_heap(s, h, view_chunk, v);
    resident_at = v->blob_size;
    uint64_t pages = view_resident(v, &h->h);
    fprintf(v->meta,
            "%s{\"name\":\"%s\",\"arena\":%u,\"main\":%s,\"base\":\"0x%llx\",\"first\":"
            "\"0x%llx\","
            "\"end\":\"0x%llx\",\"at\":%llu,\"count\":%llu,\"skip\":%llu,\"coarse_at\":"
            "%llu,"
            "\"coarse_count\":%llu,\"resident_at\":%llu,\"resident_count\":%llu}",
            comma, name, s->arenas[h->arena].a.index, h->is_main ? "true" : "false",
            (ull)v->base, (ull)h->h.first, (ull)h->h.end, (ull)chunks_at, (ull)v->count,
            (ull)v->skip, (ull)coarse_at, (ull)coarse_count, (ull)resident_at,
            (ull)pages);
}

/* --- panels ----------------------------------------------------------------- */

static void view_step(struct view *v, const char *comma, const char *name,
                      uint64_t bytes, uint64_t resident)
{
    fprintf(v->meta, "%s{\"name\":\"%s\",\"bytes\":%llu", comma, name, (ull)bytes);
    if (survey_knows_resident(&v->survey))
        fprintf(v->meta, ",\"resident\":%llu", (ull)resident);
    fputc('}', v->meta);
}

static void view_waterfall(struct view *v)
{
    const struct survey_arena *a = &v->survey.all;
    const struct tally *k = a->kind;
    uint64_t used = k[KIND_LIVE].size + k[KIND_MAPPED].size + v->survey.lead;
    view_step(v, "", a->recorded != 0 ? "requested" : "usable", a->requested,
              survey_requested_resident(a));
    if (a->recorded != 0)
        view_step(v, ",", "slack", a->usable - a->requested, survey_slack_resident(a));
    view_step(v, ",", "headers", used - a->usable,
              survey_headers_resident(a) + v->survey.lead_resident);
    view_step(v, ",", "cached", survey_size(a, KIND_CACHED, KIND_MOVING),
              survey_resident(a, KIND_CACHED, KIND_MOVING));
    view_step(v, ",", "free bins", survey_size(a, KIND_FAST, KIND_LARGE),
              survey_resident(a, KIND_FAST, KIND_LARGE));
    view_step(v, ",", "top", k[KIND_TOP].size, k[KIND_TOP].resident);
    if (k[KIND_KEPT].size != 0)
        view_step(v, ",", "kept", k[KIND_KEPT].size, k[KIND_KEPT].resident);
    if (k[KIND_GUARDED].count != 0)
        view_step(v, ",", "guarded", k[KIND_GUARDED].size,
                  k[KIND_GUARDED].resident + k[KIND_BARRED].resident);
    if (k[KIND_BROKEN].size != 0)
        view_step(v, ",", "broken", k[KIND_BROKEN].size, k[KIND_BROKEN].resident);
    view_step(v, ",", "metadata", v->survey.meta_size, v->survey.meta_resident);
}

static void view_arenas(struct view *v)
{
    const struct scan *s = &v->n->scan;
    for (size_t i = 0; i < s->arena_count; i++) {
        const struct survey_arena *a = &v->survey.arena[i];
        fprintf(
            v->meta,
            "%s{\"index\":%u,\"heap\":%llu,\"live\":%llu,\"cached\":%llu,\"free\":%llu,"
            "\"top\":%llu}",
            i == 0 ? "" : ",", s->arenas[i].a.index, (ull)a->heap_bytes,
            (ull)a->kind[KIND_LIVE].size, (ull)survey_size(a, KIND_CACHED, KIND_MOVING),
            (ull)survey_size(a, KIND_FAST, KIND_LARGE), (ull)a->kind[KIND_TOP].size);
    }
}

/* Chunks and bytes of each list; the page names its first. */
static void view_bins(struct view *v)
{
    struct scan *s = &v->n->scan;
    char label[LIST_LABEL];
    const char *comma = "";
    for (size_t i = 0; i < s->arena_count; i++) {
        const struct walk_arena *a = &s->arenas[i].a;
        size_t count;
        struct list *l = follow_lists(s->walk, a, &count);
        follow_all(s, a, l, count);
        for (size_t k = 0; k < count; k++) {
            list_label(&l[k], label);
            fprintf(v->meta,
                    "%s{\"arena\":%u,\"name\":\"%s\",\"count\":%llu,\"bytes\":%llu,"
                    "\"first\":\"0x%llx\"}",
                    comma, a->index, label, (ull)l[k].count, (ull)l[k].size,
                    (ull)l[k].head);
            comma = ",";
        }
        free(l);
    }
}

static void view_mapped(struct view *v)
{
    const struct scan *s = &v->n->scan;
    for (size_t i = 0; i < s->mapped_count && i < 1000; i++)
        fprintf(v->meta, "%s{\"start\":\"0x%llx\",\"bytes\":%llu,\"kept\":%s}",
                i == 0 ? "" : ",", (ull)s->mapped[i].m.start,
                (ull)s->mapped[i].m.length, s->mapped[i].is_kept ? "true" : "false");
}

/* What the program stored, when that was asked for: the pages of --range, or the first
 * megabytes. */
static void view_bytes(struct view *v)
{
    struct source *s = &v->n->source;
    const struct scan *c = &v->n->scan;
    unsigned char page[4096];
    const char *comma = "";
    uint64_t left = BYTES_MAX;
    for (size_t i = 0; i < c->heap_count && v->n->options->bytes; i++) {
        uint64_t from = align_down(c->heaps[i].h.start, sizeof page),
                 to = c->heaps[i].h.end;
        from = v->from > from ? align_down(v->from, sizeof page) : from;
        to = v->to < to ? v->to : to;
        for (uint64_t at = from; at < to && left != 0; at += sizeof page) {
            if (scan_resident(&v->n->scan, at, at + sizeof page) == 0)
                continue;
            if (s->reader.read(&s->reader, at, page, sizeof page) != sizeof page)
                continue;
            fprintf(v->meta, "%s{\"start\":\"0x%llx\",\"length\":%zu,\"at\":%llu}",
                    comma, (ull)at, sizeof page, (ull)v->blob_size);
            fwrite(page, 1, sizeof page, v->blob);
            v->blob_size += sizeof page;
            left -= sizeof page;
            comma = ",";
        }
    }
}

static void view_meta(struct view *v)
{
    struct scan *s = &v->n->scan;
    fprintf(v->meta, "{\"schema\":\"chunky-view/1\",\"title\":");
    json_string(v->meta, s->source->title);
    fprintf(v->meta, ",\"page\":%llu,\"heaps\":[", (ull)s->walk->page);
    for (size_t i = 0; i < s->heap_count; i++)
        view_heap(v, &s->heaps[i], i == 0 ? "" : ",");
    fprintf(v->meta, "],\"arenas\":[");
    view_arenas(v);
    fprintf(v->meta, "],\"waterfall\":[");
    view_waterfall(v);
    fprintf(v->meta, "],\"bins\":[");
    view_bins(v);
    fprintf(v->meta, "],\"mapped\":[");
    view_mapped(v);
    fprintf(v->meta, "],\"bytes\":[");
    view_bytes(v);
    fprintf(v->meta, "]}");
}

/* JSON inside a script element: no "</script" may stand in it. */
static char *view_guard(char *text, size_t *size)
{
    size_t count = 0;
    for (size_t i = 0; i < *size; i++)
        count += text[i] == '<';
    char *out = take(*size + 5 * count + 1), *at = out;
    for (size_t i = 0; i < *size; i++) {
        if (text[i] == '<')
            at += sprintf(at, "\\u003c");
        else
            *at++ = text[i];
    }
    *size = (size_t)(at - out);
    free(text);
    return out;
}

static void view_file(struct view *v, FILE *out)
{
    char *blob = NULL, *meta = NULL, *title = NULL;
    size_t blob_size = 0, meta_size = 0, title_size = 0, packed_size, text_size_;
    FILE *head = must(open_memstream(&title, &title_size));
    v->blob = must(open_memstream(&blob, &blob_size));
    v->meta = must(open_memstream(&meta, &meta_size));
    xml_text(head, v->n->source.title);
    fclose(head);
    view_meta(v);
    fclose(v->meta);
    fclose(v->blob);
    unsigned char *packed =
        deflate_raw((const unsigned char *)blob, blob_size, &packed_size);
    char *text = base64(packed, packed_size, &text_size_);
    meta = view_guard(meta, &meta_size);
    const char *css = (const char *)page_view_css, *js = (const char *)page_view_js;
    const struct page_part part[] = {
        {"TITLE", title, title_size}, {"CSS", css, strlen(css)},
        {"JS", js, strlen(js)},       {"META", meta, meta_size},
        {"BLOB", text, text_size_},   {"CODING", "deflate", 7},
    };
    page_write(out, (const char *)page_view_html, part, sizeof part / sizeof part[0]);
    free(title);
    free(blob);
    free(meta);
    free(packed);
    free(text);
}

static void view_open_browser(const char *path)
{
    if (fork() == 0) {
        signals_restore();
        execlp("xdg-open", "xdg-open", path, (char *)NULL);
        complain(STATUS_OK, "no xdg-open to open %s with", path);
        _exit(0);
    }
}

/* Where chunks are told one by one; false after a complaint. */
static bool view_range(struct view *v)
{
    const struct scan *s = &v->n->scan;
    struct filter filter;
    if (!filter_open(&filter, v->n))
        return false;
    v->from = filter.from;
    v->to = filter.to == UINT64_MAX ? filter.to : filter.to + 1;
    bool any = v->n->options->range == NULL;
    for (size_t i = 0; i < s->heap_count; i++)
        any = any || (s->heaps[i].h.start < v->to && s->heaps[i].h.end > v->from);
    if (!any)
        complain(STATUS_OK, "--range: no heap lies there, so that all is told as sums "
                            "(chunky map tells where heaps are)");
    return true;
}

enum status cmd_view(struct options *o)
{
    struct session n;
    char size[SIZE_TEXT];
    if (o->output == NULL)
        return complain(STATUS_USAGE, "where to? chunky view SOURCE -o FILE.html");
    if (o->open && session_is_stdout(o->output))
        return complain(STATUS_USAGE, "--open wants a file to open: -o FILE.html");
    enum status status = session_open_late(&n, o);
    if (status != STATUS_OK)
        return status;
    struct view v = {.n = &n};
    if (!view_range(&v))
        return session_close(&n, STATUS_USAGE);
    session_start(&n);
    survey_take(&v.survey, &n.scan, true, true);
    uint64_t chunks = 0;
    for (unsigned k = 0; k < KINDS; k++)
        chunks += v.survey.all.kind[k].count;
    v.capped = chunks > CHUNKS_MAX || o->range != NULL;
    if (chunks > CHUNKS_MAX && o->range == NULL)
        v.to = 0; /* no chunk one by one */
    n.scan.wants_request = true;
    view_file(&v, n.out);
    long written = ftell(n.out);
    survey_free(&v.survey);
    char *shown = text_printable(o->output);
    if (ferror(n.out) == 0 && n.out != stdout && session_is_heard())
        printf("%s: %s, %s\n", shown, n.source.title,
               text_size(size, written < 0 ? 0 : (uint64_t)written));
    free(shown);
    if (o->open)
        view_open_browser(o->output);
    return session_close(&n, STATUS_OK);
}
