/*
 * chunky frag: "I freed it, why is RSS high?" Which live chunk pins the end of each
 * heap, which pages are nearly empty, how free space is cut up, what trim would return.
 */
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>

/* What keeps the tail of one heap. */
struct pin {
    struct block last; /* live chunk nearest to the end */
    bool has_last;
    uint64_t below; /* free bytes before it, back to the live chunk before */
    uint64_t above; /* bytes behind it */
};

struct frag {
    struct session *n;
    struct pin *pin; /* as scan.heaps */
    struct pin *now;
    uint64_t free_run;       /* bytes since the last live chunk */
    uint64_t largest, total; /* free bytes in bins and tops */
    uint64_t run[RUN_BUCKETS], run_size[RUN_BUCKETS];
    uint64_t page, page_live;            /* page that is being filled */
    uint64_t pages, sparse, sparse_live; /* resident, and those under 10 % used */
    uint64_t idle_pages;                 /* resident and wholly free */
    uint64_t tails; /* resident bytes behind the last live chunks */
};

static void frag_page_done(struct frag *f)
{
    uint64_t size = f->n->scan.walk->page;
    bool resident = scan_resident(&f->n->scan, f->page, f->page + size) != 0;
    if (f->page != 0 && resident) {
        f->pages++;
        if (f->page_live == 0)
            f->idle_pages++;
        else if (f->page_live * 10 < size) {
            f->sparse++;
            f->sparse_live += f->page_live;
        }
    }
    f->page_live = 0;
}

/* Live bytes page by page. Pages that free chunks span wholly are counted at once. */
static void frag_pages(struct frag *f, const struct block *b)
{
    uint64_t size = f->n->scan.walk->page, end = b->address + b->size;
    bool live = b->kind == KIND_LIVE;
    for (uint64_t at = b->address; at < end;) {
        uint64_t page = align_down(at, size);
        if (page != f->page) {
            frag_page_done(f);
            f->page = page;
        }
        uint64_t stop = page + size < end ? page + size : end;
        f->page_live += live ? stop - at : 0;
        at = stop;
    }
}

static bool frag_visit(void *context, const struct block *b)
{
    struct frag *f = context;
    if (b->kind == KIND_BROKEN)
        return true;
    frag_pages(f, b);
    if (b->kind == KIND_LIVE) {
        f->now->last = *b;
        f->now->has_last = true;
        f->now->below = f->free_run;
        f->now->above = 0;
        f->free_run = 0;
        return true;
    }
    f->free_run += b->size;
    f->now->above += b->kind == KIND_FENCE ? 0 : b->size;
    if (kind_is_free(b->kind) && !kind_is_cached(b->kind)) {
        unsigned bucket = log2_floor(b->size);
        bucket = bucket < RUN_BUCKETS ? bucket : RUN_BUCKETS - 1;
        f->run[bucket]++;
        f->run_size[bucket] += b->size;
        f->total += b->size;
        f->largest = b->size > f->largest ? b->size : f->largest;
    }
    return true;
}

static void frag_scan(struct frag *f)
{
    struct scan *s = &f->n->scan;
    f->pin = take(s->heap_count * sizeof *f->pin);
    for (size_t i = 0; i < s->heap_count; i++) {
        f->now = &f->pin[i];
        f->free_run = 0;
        scan_heap(s, &s->heaps[i], frag_visit, f);
        frag_page_done(f);
        f->page = 0;
        uint64_t end = s->heaps[i].h.end;
        uint64_t from = f->now->has_last ? f->now->last.address + f->now->last.size
                                         : s->heaps[i].h.first;
        from = align_up(from + CHUNK_HEADER, s->walk->page);
        if (from < end)
            f->tails += scan_resident(s, from, end);
    }
    scan_settle(s);
}

static void frag_print_pins(struct frag *f)
{
    struct scan *s = &f->n->scan;
    char name[NAME_TEXT], size[3][SIZE_TEXT];
    FILE *out = f->n->out;
    fprintf(out, "what pins each heap\n");
    for (size_t i = 0; i < s->heap_count; i++) {
        const struct pin *p = &f->pin[i];
        const struct scan_heap *h = &s->heaps[i];
        fprintf(out, "  arena %u, heap at 0x%llx, %s: ", s->arenas[h->arena].a.index,
                (unsigned long long)h->h.start,
                text_size(size[0], h->h.end - h->h.start));
        if (!p->has_last) {
            fprintf(out, "nothing is in use in it\n");
            continue;
        }
        fprintf(out, "%s, %llu B, keeps %s below it; %s lie free behind it\n",
                scan_name(s, name, p->last.address), (unsigned long long)p->last.size,
                text_size(size[1], p->below), text_size(size[2], p->above));
    }
}

static void frag_print_runs(struct frag *f)
{
    char size[2][SIZE_TEXT];
    fprintf(f->n->out, "free runs (bins and tops)\n");
    for (unsigned i = 0; i < RUN_BUCKETS; i++) {
        if (f->run[i] == 0)
            continue;
        fprintf(f->n->out, "  from %9s %9llu  %11s ",
                text_size(size[0], (uint64_t)1 << i), (unsigned long long)f->run[i],
                text_size(size[1], f->run_size[i]));
        draw_bar(&f->n->draw, TINT_FREE, 0, f->run_size[i], f->total, 30);
        fputc('\n', f->n->out);
    }
}

static double frag_external(const struct frag *f)
{
    return f->total == 0 ? 0.0 : 100.0 - text_percent(f->largest, f->total);
}

static void frag_print(struct frag *f)
{
    char size[4][SIZE_TEXT];
    uint64_t page = f->n->scan.walk->page;
    FILE *out = f->n->out;
    fprintf(
        out,
        "external fragmentation %.0f %%: largest free run %s of %s in bins and tops\n",
        frag_external(f), text_size(size[0], f->largest), text_size(size[1], f->total));
    if (f->n->source.run != NULL) {
        fprintf(out,
                "pages: %llu resident; less than 10 %% used: %llu (%s in use in %s); "
                "wholly free: %llu\n",
                (unsigned long long)f->pages, (unsigned long long)f->sparse,
                text_size(size[0], f->sparse_live),
                text_size(size[1], f->sparse * page),
                (unsigned long long)f->idle_pages);
        fprintf(out,
                "malloc_trim(0) would return %s: %llu free page%s, %s of them behind "
                "the last block of a heap\n",
                text_size(size[2], f->idle_pages * page),
                (unsigned long long)f->idle_pages, text_s(f->idle_pages),
                text_size(size[3], f->tails));
    }
    frag_print_runs(f);
    frag_print_pins(f);
    struct survey none = {.scan = &f->n->scan};
    show_notes(&f->n->draw, &none);
}

static void frag_json(struct frag *f)
{
    struct scan *s = &f->n->scan;
    FILE *out = f->n->out;
    fprintf(out,
            "{\"schema\":\"chunky-frag/"
            "1\",\"free\":%llu,\"largest\":%llu,\"external\":%.2f",
            (unsigned long long)f->total, (unsigned long long)f->largest,
            frag_external(f));
    if (s->source->run != NULL)
        fprintf(out,
                ",\"pages\":%llu,\"sparse_pages\":%llu,\"free_pages\":%llu,"
                "\"trim_bytes\":%llu",
                (unsigned long long)f->pages, (unsigned long long)f->sparse,
                (unsigned long long)f->idle_pages,
                (unsigned long long)(f->idle_pages * s->walk->page));
    fprintf(out, ",\"runs\":[");
    const char *comma = "";
    for (unsigned i = 0; i < RUN_BUCKETS; i++) {
        if (f->run[i] == 0)
            continue;
        fprintf(out, "%s{\"from\":%llu,\"count\":%llu,\"bytes\":%llu}", comma,
                (unsigned long long)1 << i, (unsigned long long)f->run[i],
                (unsigned long long)f->run_size[i]);
        comma = ",";
    }
    fprintf(out, "],\"heaps\":[");
    for (size_t i = 0; i < s->heap_count; i++) {
        const struct pin *p = &f->pin[i];
        fprintf(out, "%s{\"start\":", i == 0 ? "" : ",");
        json_address(out, s->heaps[i].h.start);
        fprintf(out, ",\"arena\":%u,\"bytes\":%llu,\"pin\":",
                s->arenas[s->heaps[i].arena].a.index,
                (unsigned long long)(s->heaps[i].h.end - s->heaps[i].h.start));
        if (p->has_last)
            json_address(out, p->last.address);
        else
            fprintf(out, "null");
        fprintf(out, ",\"pin_size\":%llu,\"keeps\":%llu,\"behind\":%llu}",
                (unsigned long long)p->last.size, (unsigned long long)p->below,
                (unsigned long long)p->above);
    }
    fprintf(out, "]}\n");
}

void show_frag(struct session *n)
{
    struct frag f = {.n = n};
    frag_scan(&f);
    frag_print(&f);
    free(f.pin);
}

enum status cmd_frag(struct options *o)
{
    struct session n;
    enum status status = session_open(&n, o);
    if (status != STATUS_OK)
        return status;
    struct frag f = {.n = &n};
    bool text = options_want(o, "text");
    if (text) {
        fprintf(n.out, "%s\n", n.source.title);
        fflush(n.out);
    }
    frag_scan(&f);
    if (source_is_gone(&n.source)) {
        /* as stats_once */
    } else if (text) {
        frag_print(&f);
    } else {
        frag_json(&f);
    }
    bool finding = o->fail && f.total != 0 && frag_external(&f) >= 50;
    free(f.pin);
    return session_close(&n, finding ? STATUS_FINDING : STATUS_OK);
}
