/* Runs as JSON, and the page around them; see play_html.h. No state. */
#include "play_html.h"

#include "page.h"
#include "play_draw.h"
#include "play_focus.h"
#include "play_list.h"
#include "play_why.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECES_MAX = 4000, /* of one range: a large block has three */
    MEMBERS_MAX = 16,
    ROW = 64, /* ranges are whole rows of so many bytes */
    STRIP = 128,
    PAGE_MAX = 16 * 1024 * 1024
};

struct json {
    FILE *out;
    uint64_t start, from, to; /* of the region, and of a range in it */
    unsigned count;
};

static const char *json_comma(struct json *j)
{
    return j->count++ == 0 ? "" : ",";
}

static void json_piece(void *context, uint64_t at, uint64_t length, char glyph)
{
    struct json *j = context;
    char text[2] = {glyph, '\0'};
    uint64_t from = at - j->start, to = from + length;
    from = from < j->from ? j->from : from;
    to = to > j->to ? j->to : to;
    if (from >= to || glyph == '~' || j->count >= PIECES_MAX)
        return;
    fprintf(j->out, "%s[%" PRIu64 ",%" PRIu64 ",", json_comma(j), from, to - from);
    json_string(j->out, text);
    fputc(']', j->out);
}

static void json_chunk(struct json *j, const struct play_run *r,
                       const struct heap_chunk *c)
{
    const struct play_owner *o = play_run_owner(r, c->at + CHUNK_HEADER);
    bool live = c->state == WALK_LIVE || c->state == WALK_MAPPED;
    fprintf(j->out, "%s[%" PRIu64 ",%" PRIu64 ",", json_comma(j), c->at - j->start,
            c->size);
    json_string(j->out, play_draw_state(c->state));
    fputc(',', j->out);
    json_string(j->out, !live                      ? ""
                        : o == NULL || o->name < 0 ? "block"
                                                   : r->script->name.text[o->name]);
    fprintf(j->out, ",%" PRIu64 ",%" PRIu64 "]", c->bytes, live ? heap_usable(c) : 0);
}

/* One range of a region: its chunks, and what their bytes are. */
static void json_range(FILE *out, const struct play_run *r,
                       const struct heap_region *region, const struct focus_range *x)
{
    struct json j = {out, region->start, x->from, x->to, 0};
    struct heap_place p;
    const struct heap_chunk *c = heap_from(region, region->start + x->from, &p);
    fprintf(out, "{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"chunks\":[", x->from,
            x->to);
    for (; c != NULL && c->at < region->start + x->to; c = heap_next(&p))
        json_chunk(&j, r, c);
    fputs("],\"pieces\":[", out);
    j.count = 0;
    play_draw_pieces(r, region, region->start + x->from, region->start + x->to,
                     json_piece, &j);
    fputs("]}", out);
}

/* Between two ranges: what is not told. */
static void json_fold(FILE *out, const struct heap_region *region, uint64_t from,
                      uint64_t to)
{
    struct heap_sums s = heap_sums_of(region, region->start + from, region->start + to);
    fprintf(out,
            ",{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"live\":%" PRIu64
            ",\"free\":%" PRIu64 "},",
            from, to, s.live, s.parts);
}

static void json_region(FILE *out, const struct play_run *r,
                        const struct heap_region *region, bool all)
{
    struct draw_style style = {.width = STRIP + 12};
    struct focus f;
    uint64_t cell = 0, extent = play_run_extent(r, region) + ROW;
    uint64_t size = region->end - region->start;
    extent = extent < size ? extent : size;
    focus_of(&f, r, region, ROW, all);
    fputs("{\"name\":", out);
    json_string(out, region->name);
    if (f.ranges > 2) {
        char *strip = play_draw_strip(&style, r, region, &cell, true);
        fprintf(out, ",\"cell\":%" PRIu64 ",\"strip\":", cell);
        json_string(out, strip);
        free(strip);
    }
    /* The last range is the fence behind the top: of that, the beginning is enough. */
    if (region->top_size != 0 && f.ranges > 1)
        f.ranges--;
    struct focus_range *last = &f.range[f.ranges - 1];
    last->to = last->to < extent && f.ranges == 1 ? extent : last->to;
    fprintf(out, ",\"extent\":%" PRIu64 ",\"parts\":[", extent);
    for (unsigned i = 0; i < f.ranges; i++) {
        if (i != 0)
            json_fold(out, region, f.range[i - 1].to, f.range[i].from);
        json_range(out, r, region, &f.range[i]);
    }
    fputs("]}", out);
}

static void json_regions(FILE *out, const struct play_run *r, bool all)
{
    for (size_t i = 0; i < r->heap.regions; i++) {
        if (i != 0)
            fputc(',', out);
        json_region(out, r, &r->heap.region[i], all);
    }
}

static void json_lists(FILE *out, const struct play_run *r)
{
    const struct play_heap *h = &r->heap;
    for (size_t i = 0; i < h->lists; i++) {
        const struct heap_list *l = &h->list[i];
        char name[40];
        fprintf(out, "%s{\"name\":", i == 0 ? "" : ",");
        json_string(out, l->name);
        fprintf(out, ",\"two\":%s,\"more\":%zu,\"note\":\"%s\",\"members\":[",
                l->two_way ? "true" : "false",
                l->count > MEMBERS_MAX ? l->count - MEMBERS_MAX : 0,
                l->broken ? "a link is wrong" : "");
        for (size_t k = 0; k < l->count && k < MEMBERS_MAX; k++) {
            fputs(k == 0 ? "" : ",", out);
            json_string(out,
                        play_heap_name(h, h->member[l->first + k], name, sizeof name));
        }
        fputs("]}", out);
    }
}

/* Where the chunk is that the step made or gave back: its region and offset. */
static void json_mark(FILE *out, const struct play_run *r)
{
    const struct play_heap *h = &r->heap;
    const struct heap_chunk *c = play_heap_of_mem(h, r->session.result);
    if (c == NULL)
        c = play_heap_of_mem(h, r->mem);
    for (size_t i = 0; i < h->regions && c != NULL; i++)
        if (c->at - h->region[i].start < h->region[i].end - h->region[i].start)
            fprintf(out, ",\"mark\":[%zu,%" PRIu64 "]", i, c->at - h->region[i].start);
}

/* Lines as an array: the strings of json_string hold no line ends. */
static void json_lines(FILE *out, const char *text)
{
    const char *comma = "";
    fputc('[', out);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char *line = strndup(text, length);
        fputs(comma, out);
        json_string(out, line == NULL ? "" : line);
        free(line);
        comma = ",";
        text += length + (text[length] == '\n');
    }
    fputc(']', out);
}

static void json_sums(FILE *out, const struct play_run *r)
{
    char *text = NULL;
    size_t length = 0;
    struct draw_style style = {.out = open_memstream(&text, &length), .width = 80};
    if (style.out == NULL)
        return;
    play_draw_sums(&style, r);
    fclose(style.out);
    json_lines(out, text);
    free(text);
}

static void json_step(FILE *out, const struct play_run *r, const char *tag, bool all)
{
    const struct play_session *s = &r->session;
    char op[300], line[80];
    char *why = why_sentence(r);
    if (r->op->thread == 0)
        snprintf(op, sizeof op, "#%u %s", r->op->number, r->op->text);
    else
        snprintf(op, sizeof op, "#%u %s: %s", r->op->number,
                 r->script->thread.text[r->op->thread], r->op->text);
    fputs("{\"op\":", out);
    json_string(out, op);
    fputs(",\"tag\":", out);
    json_string(out, tag);
    fputs(",\"why\":", out);
    json_string(out, why == NULL ? "" : why);
    fputs(",\"calls\":[", out);
    for (size_t i = 0; i < s->calls; i++) {
        fputs(i == 0 ? "" : ",", out);
        json_string(out, why_call(&r->heap, &s->call[i], line, sizeof line));
    }
    fputs("],\"rules\":[", out);
    for (size_t i = 0; i < s->rules; i++)
        fprintf(out, "%s[\"%s\",%" PRIu64 "]", i == 0 ? "" : ",",
                why_rule_name(s->rule[i].rule), s->rule[i].value);
    fputs("],\"regions\":[", out);
    json_regions(out, r, all);
    fputs("]", out);
    json_mark(out, r);
    fputs(",\"lists\":[", out);
    json_lists(out, r);
    fputs("],\"sums\":", out);
    json_sums(out, r);
    fputs(",\"report\":", out);
    json_lines(out, s->ended && s->text != NULL ? s->text : "");
    fputs("}", out);
    free(why);
}

void html_json(FILE *out, struct play_run *r, struct html_style *style)
{
    const char *tag = "", *comma = "";
    size_t bytes = 0;
    fputs("{\"schema\":\"chunky-play/2\",\"title\":", out);
    json_string(out, style->title);
    fprintf(out, ",\"mode\":\"%s\",\"of\":%u,\"steps\":[", play_mode_name(style->mode),
            r->script->last);
    if (r->session.ended) /* before the first step that is told */
        json_step(out, r, tag, style->all);
    while ((r->op == NULL || style->to == 0 || r->op->number < style->to) &&
           bytes < PAGE_MAX && play_run_step(r)) {
        char *text = NULL;
        size_t length = 0;
        if (r->op->verb == PLAY_TAG) {
            tag = r->op->text;
            continue;
        }
        FILE *step = open_memstream(&text, &length);
        if (step == NULL)
            break;
        json_step(step, r, tag, style->all);
        fclose(step);
        fprintf(out, "%s%s", comma, text);
        free(text);
        bytes += length;
        tag = "";
        comma = ",\n";
    }
    if (bytes >= PAGE_MAX && r->op != NULL && !r->session.ended)
        style->left_out =
            (style->to == 0 ? r->script->last : style->to) - r->op->number;
    fprintf(out, "],\"left_out\":%u}\n", style->left_out);
}

/* Inside a script element, "</" would end it. To be freed. */
static char *html_guard(const char *json, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL)
        list_fail();
    for (; *json != '\0'; json++) {
        if (*json == '<')
            fputs("\\u003c", out);
        else
            fputc(*json, out);
    }
    fclose(out);
    return text;
}

static char *html_title(const char *title, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL)
        list_fail();
    for (; *title != '\0'; title++)
        if (*title == '<' || *title == '&')
            fputs(*title == '<' ? "&lt;" : "&amp;", out);
        else
            fputc(*title, out);
    fclose(out);
    return text;
}

void html_write(FILE *out, struct play_run *r, struct html_style *style)
{
    char *json = NULL;
    size_t length = 0, title_size, runs_size;
    FILE *memory = open_memstream(&json, &length);
    if (memory == NULL)
        list_fail();
    html_json(memory, r, style);
    fclose(memory);
    char *runs = html_guard(json, &runs_size);
    char *title = html_title(style->title, &title_size);
    const char *css = (const char *)page_play_css, *js = (const char *)page_play_js;
    const struct page_part part[] = {
        {"TITLE", title, title_size},
        {"CSS", css, strlen(css)},
        {"JS", js, strlen(js)},
        {"RUNS", runs, runs_size},
    };
    page_write(out, (const char *)page_play_html, part, sizeof part / sizeof part[0]);
    free(json);
    free(runs);
    free(title);
}
