/* Telling call sites; see sites.h. No state. */
#include "sites.h"

#include "symbol.h"
#include "text.h"

#include <stdlib.h>

enum { SITE_FRAMES = 6, SITE_COLUMNS = 79 };

/* What the figures are of: stacks are never kept of everything. */
static void sites_basis(const struct sites *t, FILE *out)
{
    for (unsigned i = 0; i < 2; i++) {
        char size[SIZE_TEXT];
        fprintf(out, "  %c  %llu block%s, %s: ", 'A' + (int)i,
                (unsigned long long)t->blocks[i], text_s(t->blocks[i]),
                text_size(size, t->bytes[i]));
        if (t->rate[i] == 0)
            fprintf(out, "a sample (check=3), nothing is scaled\n");
        else if (t->rate[i] == 1)
            fprintf(out, "every one that was guarded (guard_rate=1)\n");
        else
            fprintf(out, "one in %llu (guard_rate), nothing is scaled\n",
                    (unsigned long long)t->rate[i]);
    }
}

static void site_frame_print(struct symbols *names, const struct site_frame *f,
                             unsigned number, FILE *out)
{
    char said[SYMBOL_TEXT] = "";
    if (f->path[0] == '\0') {
        fprintf(out, "      #%u 0x%llx\n", number, (unsigned long long)f->offset);
        return;
    }
    symbols_say(names, f->path, f->offset, said);
    char *line = strstr(said, "  "), *shown = text_printable(f->path);
    if (said[0] == '\0') {
        fprintf(out, "      #%u %s+0x%llx\n", number, shown,
                (unsigned long long)f->offset);
    } else if (line != NULL && strlen(said) + 9 > SITE_COLUMNS) {
        *line = '\0';
        fprintf(out, "      #%u %s\n         %s\n", number, said, line + 2);
    } else {
        fprintf(out, "      #%u %s\n", number, said);
    }
    free(shown);
}

static void site_print(struct symbols *names, const struct site *s, FILE *out)
{
    char size[SIZE_TEXT];
    bool grew = s->bytes[1] > s->bytes[0];
    fprintf(
        out, "    %c%-11s %llu -> %llu block%s\n", grew ? '+' : '-',
        text_size(size, grew ? s->bytes[1] - s->bytes[0] : s->bytes[0] - s->bytes[1]),
        (unsigned long long)s->count[0], (unsigned long long)s->count[1],
        text_s(s->count[1]));
    for (unsigned i = 0; i < s->depth && i < SITE_FRAMES; i++)
        site_frame_print(names, &s->frame[i], i, out);
    if (s->depth > SITE_FRAMES)
        fprintf(out, "      and %u further out\n", s->depth - SITE_FRAMES);
    if (s->depth == 0)
        fprintf(out, "      no stack\n");
}

void sites_print(const struct sites *t, struct draw *d, size_t limit)
{
    size_t shown = 0, changed = 0;
    if (!t->kept[0] || !t->kept[1]) {
        fprintf(d->out,
                "by call site: %s; CHUNKY_CONF=check=3 keeps them\n"
                "  of a sample of the blocks, check=3,guard_rate=1 of all\n",
                t->kept[0]   ? "B has kept no stacks"
                : t->kept[1] ? "A has kept no stacks"
                             : "no stacks were kept");
        return;
    }
    fprintf(d->out, "guarded blocks in use by call site, largest change first\n");
    sites_basis(t, d->out);
    struct symbols *names = symbols_open();
    for (size_t i = 0; i < t->count; i++) {
        if (t->site[i].bytes[0] == t->site[i].bytes[1])
            continue;
        changed++;
        if (shown < limit) {
            site_print(names, &t->site[i], d->out);
            shown++;
        }
    }
    symbols_close(names);
    if (changed > shown)
        fprintf(d->out, "    and %zu more sites (--limit)\n", changed - shown);
    if (changed == 0)
        fprintf(d->out, "    no site grew or shrank\n");
}

void site_frame_json(struct symbols *names, const struct site_frame *f, FILE *out)
{
    struct symbol y = {.line = 0};
    if (f->path[0] != '\0')
        symbols_find(names, f->path, f->offset, &y);
    fprintf(out, "{\"file\":");
    json_string(out, f->path);
    fprintf(out, ",\"offset\":");
    json_address(out, f->offset);
    fprintf(out, ",\"function\":");
    json_string(out, y.name);
    fprintf(out, ",\"source\":");
    json_string(out, y.file);
    fprintf(out, ",\"line\":%u}", y.line);
}

static void site_json(struct symbols *names, const struct site *s, FILE *out)
{
    fprintf(out, "{\"count\":[%llu,%llu],\"bytes\":[%llu,%llu],\"stack\":[",
            (unsigned long long)s->count[0], (unsigned long long)s->count[1],
            (unsigned long long)s->bytes[0], (unsigned long long)s->bytes[1]);
    for (unsigned i = 0; i < s->depth; i++) {
        fputs(i == 0 ? "" : ",", out);
        site_frame_json(names, &s->frame[i], out);
    }
    fprintf(out, "]}");
}

void sites_json(const struct sites *t, FILE *out)
{
    if (!t->kept[0] || !t->kept[1]) {
        fprintf(out, "null");
        return;
    }
    struct symbols *names = symbols_open();
    fprintf(out,
            "{\"guard_rate\":[%llu,%llu],\"blocks\":[%llu,%llu],\"bytes\":[%llu,%llu],"
            "\"sites\":[",
            (unsigned long long)t->rate[0], (unsigned long long)t->rate[1],
            (unsigned long long)t->blocks[0], (unsigned long long)t->blocks[1],
            (unsigned long long)t->bytes[0], (unsigned long long)t->bytes[1]);
    for (size_t i = 0; i < t->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", out);
        site_json(names, &t->site[i], out);
    }
    fprintf(out, "]}");
    symbols_close(names);
}
