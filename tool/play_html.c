/* Runs as JSON, and the page around them; see play_html.h. No state. */
#include "play_html.h"

#include "play_draw.h"
#include "play_why.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PIECES_MAX = 20000, MEMBERS_MAX = 64, TAIL = 64 };

struct json {
    FILE *out;
    uint64_t start, extent;
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
    uint64_t from = at - j->start;
    if (length == 0 || from >= j->extent || glyph == '~' || j->count >= PIECES_MAX)
        return;
    if (length > j->extent - from)
        length = j->extent - from;
    fprintf(j->out, "%s[%" PRIu64 ",%" PRIu64 ",", json_comma(j), from, length);
    json_string(j->out, text);
    fputc(']', j->out);
}

static void json_chunk(struct json *j, const struct play_run *r,
                       const struct heap_chunk *c)
{
    const struct play_owner *o = play_run_owner(r, c->at + CHUNK_HEADER);
    bool live = c->state == WALK_LIVE || c->state == WALK_MAPPED;
    if (c->at - j->start >= j->extent || j->count >= PIECES_MAX)
        return;
    fprintf(j->out, "%s[%" PRIu64 ",%" PRIu64 ",", json_comma(j), c->at - j->start,
            c->size);
    json_string(j->out, play_draw_state(c->state));
    fputc(',', j->out);
    json_string(j->out, !live                      ? ""
                        : o == NULL || o->name < 0 ? "block"
                                                   : r->script->name.text[o->name]);
    fprintf(j->out, ",%" PRIu64 ",%" PRIu64 "]", c->bytes, c->usable);
}

static void json_regions(FILE *out, const struct play_run *r)
{
    for (size_t i = 0; i < r->heap.regions; i++) {
        const struct heap_region *region = &r->heap.region[i];
        uint64_t size = region->end - region->start;
        uint64_t extent = play_run_extent(r, region) + TAIL;
        struct json j = {out, region->start, extent < size ? extent : size, 0};
        fprintf(out, "%s{\"name\":", i == 0 ? "" : ",");
        json_string(out, region->name);
        fprintf(out, ",\"extent\":%" PRIu64 ",\"chunks\":[", j.extent);
        for (size_t k = 0; k < region->count; k++)
            json_chunk(&j, r, &r->heap.chunk[region->first + k]);
        fputs("],\"pieces\":[", out);
        j.count = 0;
        play_draw_pieces(r, region, json_piece, &j);
        fputs("]}", out);
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

static void json_step(FILE *out, const struct play_run *r, const char *tag)
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
    json_regions(out, r);
    fputs("],\"lists\":[", out);
    json_lists(out, r);
    fputs("],\"sums\":", out);
    json_sums(out, r);
    fputs(",\"report\":", out);
    json_lines(out, s->ended && s->text != NULL ? s->text : "");
    fputs("}", out);
    free(why);
}

void html_json(FILE *out, struct play_run *r, enum play_mode mode, const char *title)
{
    const char *tag = "", *comma = "";
    fputs("{\"schema\":\"chunky-play-1\",\"title\":", out);
    json_string(out, title);
    fprintf(out, ",\"mode\":\"%s\",\"steps\":[", play_mode_name(mode));
    while (play_run_step(r)) {
        if (r->op->verb == PLAY_TAG) {
            tag = r->op->text;
            continue;
        }
        fputs(comma, out);
        json_step(out, r, tag);
        tag = "";
        comma = ",\n";
    }
    fputs("]}\n", out);
}

/* Inside a script element, "</" would end it. */
static void html_embed(FILE *out, const char *json)
{
    for (; *json != '\0'; json++) {
        if (json[0] == '<')
            fputs("\\u003c", out);
        else
            fputc(*json, out);
    }
}

void html_write(FILE *out, struct play_run *r, enum play_mode mode, const char *title)
{
    char *json = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&json, &length);
    if (memory == NULL)
        return;
    html_json(memory, r, mode, title);
    fclose(memory);
    for (const char *const *line = html_page; *line != NULL; line++) {
        const char *mark = strstr(*line, HTML_RUNS_MARK);
        if (mark == NULL) {
            fputs(*line, out);
            continue;
        }
        fprintf(out, "%.*s/*RUNS*/[", (int)(mark - *line), *line);
        html_embed(out, json);
        fprintf(out, "]%s", mark + strlen(HTML_RUNS_MARK));
    }
    free(json);
}
