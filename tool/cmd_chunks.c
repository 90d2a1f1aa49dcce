/* chunky chunks: one line a chunk, or sums by size. State: in the list. */
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>

enum chunks_form { CHUNKS_TEXT, CHUNKS_JSONL, CHUNKS_CSV };

struct sum {
    uint64_t size, count;
    enum kind kind;
};

struct chunks {
    struct session *n;
    struct filter filter;
    enum chunks_form form;
    uint64_t count, bytes, left;
    struct sum *sums; /* open addressing by size and kind; count 0: unused */
    size_t room, used;
};

static void chunks_add(struct chunks *c, uint64_t size, enum kind kind, uint64_t count);

static void chunks_grow(struct chunks *c)
{
    struct chunks larger = {.room = c->room == 0 ? 1024 : c->room * 2};
    larger.sums = take(larger.room * sizeof *larger.sums);
    for (size_t i = 0; i < c->room; i++)
        if (c->sums[i].count != 0)
            chunks_add(&larger, c->sums[i].size, c->sums[i].kind, c->sums[i].count);
    free(c->sums);
    c->sums = larger.sums;
    c->room = larger.room;
}

static void chunks_add(struct chunks *c, uint64_t size, enum kind kind, uint64_t count)
{
    if (2 * c->used >= c->room)
        chunks_grow(c);
    uint64_t hash = (size / 16 * KINDS + kind) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(hash >> 20) & (c->room - 1);
    while (c->sums[i].count != 0 &&
           (c->sums[i].size != size || c->sums[i].kind != kind))
        i = (i + 1) & (c->room - 1);
    if (c->sums[i].count == 0) {
        c->sums[i] = (struct sum){size, 0, kind};
        c->used++;
    }
    c->sums[i].count += count;
}

static int chunks_by_size(const void *x, const void *y)
{
    const struct sum *a = x, *b = y;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

static void chunks_print_sums(struct chunks *c)
{
    size_t used = 0;
    char bytes[SIZE_TEXT];
    FILE *out = c->n->out;
    for (size_t i = 0; i < c->room; i++)
        if (c->sums[i].count != 0)
            c->sums[used++] = c->sums[i];
    if (used != 0)
        qsort(c->sums, used, sizeof *c->sums, chunks_by_size);
    if (c->form == CHUNKS_TEXT)
        fprintf(out, "        size state        count        bytes\n");
    else if (c->form == CHUNKS_CSV)
        fprintf(out, "size,state,count,bytes\n");
    for (size_t i = 0; i < used; i++) {
        const struct sum *s = &c->sums[i];
        unsigned long long size = s->size, count = s->count;
        if (c->form == CHUNKS_TEXT)
            fprintf(out, "%#12llx %-8s %9llu %12s\n", size, kind_name(s->kind), count,
                    text_size(bytes, s->size * s->count));
        else if (c->form == CHUNKS_CSV)
            fprintf(out, "%llu,%s,%llu,%llu\n", size, kind_name(s->kind), count,
                    size * count);
        else
            fprintf(out,
                    "{\"size\":%llu,\"state\":\"%s\",\"count\":%llu,\"bytes\":%llu}\n",
                    size, kind_name(s->kind), count, size * count);
    }
}

static void chunks_flags(char out[5], uint32_t flags, enum kind kind)
{
    bool live = kind == KIND_LIVE || kind == KIND_MAPPED || kind == KIND_FENCE ||
                kind == KIND_GUARDED;
    out[0] = (flags & PREV_INUSE) != 0 ? 'P' : '-';
    out[1] = live && (flags & IS_MMAPPED) != 0 ? 'M' : '-';
    out[2] = (flags & NON_MAIN_ARENA) != 0 ? 'A' : '-';
    out[3] = live && (flags & HAS_REQUEST) != 0 ? 'R' : '-';
    out[4] = '\0';
}

static void chunks_print(struct chunks *c, const struct block *b)
{
    char name[NAME_TEXT], flags[5];
    FILE *out = c->n->out;
    unsigned long long size = b->size;
    bool recorded = b->recorded;
    int arena = b->heap == NULL ? -1 : (int)c->n->scan.arenas[b->heap->arena].a.index;
    chunks_flags(flags, b->flags, b->kind);
    switch (c->form) {
    case CHUNKS_TEXT:
        fprintf(out, "%-18s %#10llx %-8s %s", session_name(c->n, name, b->address),
                size, kind_name(b->kind), flags);
        if (recorded)
            fprintf(out, "  asked %llu", (unsigned long long)b->request);
        fputc('\n', out);
        break;
    case CHUNKS_JSONL:
        fprintf(out,
                "{\"address\":\"%s\",\"size\":%llu,\"state\":\"%s\",\"flags\":\"%s\","
                "\"arena\":%d",
                session_name(c->n, name, b->address), size, kind_name(b->kind), flags,
                arena);
        if (recorded)
            fprintf(out, ",\"asked\":%llu", (unsigned long long)b->request);
        fputs("}\n", out);
        break;
    case CHUNKS_CSV:
        fprintf(out, "%s,%llu,%s,%s,%d,", session_name(c->n, name, b->address), size,
                kind_name(b->kind), flags, arena);
        if (recorded)
            fprintf(out, "%llu", (unsigned long long)b->request);
        fputc('\n', out);
    }
    if (c->n->options->wants_hex && c->form == CHUNKS_TEXT)
        show_hex(&c->n->draw, &c->n->source, b->address + CHUNK_HEADER,
                 min_size(c->n->options->hex != 0 ? c->n->options->hex : 64,
                          b->size > CHUNK_OVERHEAD ? b->size - CHUNK_OVERHEAD : 0));
}

static bool chunks_visit(void *context, const struct block *b)
{
    struct chunks *c = context;
    const struct options *o = c->n->options;
    if (!filter_takes(&c->filter, &c->n->scan, b))
        return true;
    c->count++;
    c->bytes += b->size;
    if (o->summary)
        chunks_add(c, b->size, b->kind, 1);
    else if (!o->count)
        chunks_print(c, b);
    return --c->left != 0 && ferror(c->n->out) == 0;
}

enum status cmd_chunks(struct options *o)
{
    struct session n;
    char bytes[SIZE_TEXT];
    struct chunks c = {.n = &n, .left = o->limit != 0 ? o->limit : UINT64_MAX};
    if (o->wants_hex && !options_want(o, "text"))
        return complain(STATUS_USAGE, "--hex is for the format text");
    enum status status = session_open_late(&n, o);
    if (status != STATUS_OK)
        return status;
    c.form = options_want(o, "jsonl") ? CHUNKS_JSONL
             : options_want(o, "csv") ? CHUNKS_CSV
                                      : CHUNKS_TEXT;
    if (!filter_open(&c.filter, &n))
        return session_close(&n, STATUS_USAGE);
    if (o->range != NULL && !session_has(&n, c.filter.from, c.filter.to))
        return session_close(&n, session_has_not(c.filter.from));
    session_start(&n);
    n.scan.wants_request = !o->count && !o->summary;
    if (c.form == CHUNKS_CSV && !o->summary && !o->count)
        fprintf(n.out, "address,size,state,flags,arena,asked\n");
    if (scan_heaps(&n.scan, chunks_visit, &c) &&
        scan_mappings(&n.scan, chunks_visit, &c))
        scan_guards(&n.scan, chunks_visit, &c);
    scan_settle(&n.scan);
    if (o->summary)
        chunks_print_sums(&c);
    if (o->count && c.form == CHUNKS_JSONL)
        fprintf(n.out, "{\"count\":%llu,\"bytes\":%llu}\n", (unsigned long long)c.count,
                (unsigned long long)c.bytes);
    else if (o->count && c.form == CHUNKS_CSV)
        fprintf(n.out, "count,bytes\n%llu,%llu\n", (unsigned long long)c.count,
                (unsigned long long)c.bytes);
    else if (o->count)
        fprintf(n.out, "%llu chunk%s, %s\n", (unsigned long long)c.count,
                text_s(c.count), text_size(bytes, c.bytes));
    free(c.sums);
    return session_close(&n, STATUS_OK);
}
