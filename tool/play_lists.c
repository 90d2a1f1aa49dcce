/* Bins, caches, sums, words of chunks and the legend; see play_draw.h. No state. */
#include "play_draw.h"

#include "play_focus.h"

#include <inttypes.h>

enum { MEMBERS_SHOWN = 8 };

void play_draw_lists(const struct draw_style *d, const struct play_run *r)
{
    const struct play_heap *h = &r->heap;
    for (size_t i = 0; i < h->lists; i++) {
        const struct heap_list *l = &h->list[i];
        const char *arrow = l->two_way ? " <-> " : " -> ";
        char name[40];
        fprintf(d->out, "     %-12s  head", l->name);
        for (size_t k = 0; k < l->count && k < MEMBERS_SHOWN; k++)
            fprintf(d->out, "%s%s", arrow,
                    play_heap_name(h, h->member[l->first + k], name, sizeof name));
        if (l->count > MEMBERS_SHOWN)
            fprintf(d->out, "%s(%zu more)", arrow, l->count - MEMBERS_SHOWN);
        if (l->two_way)
            fprintf(d->out, " <-> head");
        if (l->broken) {
            char at[40], found[40], expected[40];
            fprintf(d->out, "   %s.%s = %s, expected %s   !\n",
                    play_heap_name(h, l->at, at, sizeof at), l->link,
                    play_heap_name(h, l->found, found, sizeof found),
                    l->expected == 0
                        ? "a chunk"
                        : play_heap_name(h, l->expected, expected, sizeof expected));
        } else if (l->two_way)
            fprintf(d->out, "   ok (%zu, fd=bk)\n", l->count);
        else
            fprintf(d->out, "   (%zu)\n", l->count);
    }
    char at[40];
    if (h->error != NULL)
        fprintf(d->out, "     !  %s: %s\n",
                play_heap_name(h, h->error_at, at, sizeof at), h->error);
}

static unsigned sums_percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (unsigned)((part * 100 + whole / 2) / whole);
}

void play_draw_sums(const struct draw_style *d, const struct play_run *r)
{
    struct heap_sums s = play_heap_add_up(&r->heap);
    fprintf(d->out,
            "  in use %" PRIu64 " chunk%s: asked %" PRIu64 " B, usable %" PRIu64
            ", chunks %" PRIu64 "\n  free %" PRIu64,
            s.live, s.live == 1 ? "" : "s", s.asked, s.usable, s.size, s.free);
    if (s.fast != 0)
        fprintf(d->out, ", %" PRIu64 " of it parked in fast bins", s.fast);
    if (s.cached != 0)
        fprintf(d->out, ", %" PRIu64 " of it cached", s.cached);
    fprintf(d->out, "\n  external frag %u %% of that | slack+headers %u %%\n",
            s.free == 0 ? 0 : 100 - sums_percent(s.largest, s.free),
            sums_percent(s.size - s.asked, s.size));
    for (size_t i = 0; i < r->heap.regions; i++) {
        const struct heap_region *region = &r->heap.region[i];
        char name[40];
        if (region->top_size != 0)
            fprintf(d->out,
                    "  the used part of the heap ends at %s; the top behind it has "
                    "%#" PRIx64 "\n",
                    play_heap_name(&r->heap, region->top, name, sizeof name),
                    region->top_size);
    }
}

void play_draw_legend(const struct draw_style *d, const struct play_run *r,
                      bool address)
{
    static const char *const sign[] = {
        "# header", "A-Z asked bytes", "o x asked, no letter left",
        ". slack",  "f/b links",       "l further links",
        "- free",   "= prev_size",     "c cached",
        "~ top",    "_ not there",     "! overwritten"};
    unsigned column = 0;
    for (size_t i = 0; i < sizeof sign / sizeof sign[0]; i++) {
        unsigned length = 2 + (unsigned)strlen(sign[i]);
        if (column + length > d->width && column != 0) {
            fputc('\n', d->out);
            column = 0;
        }
        fprintf(d->out, "  %s", sign[i]);
        column += length;
    }
    bool shades = false;
    for (size_t i = 0; i < r->heap.regions; i++)
        shades = shades || play_draw_scale(d, r, &r->heap.region[i]) >= IMAGE_BLOCK;
    if (shades)
        fputs("\n  where a cell is 64 KiB or more, in use: . 20 : 40 + 60 # 80 @ 100 %",
              d->out);
    if (r->heap.regions != 0)
        fprintf(d->out, "\n  1 cell = %" PRIu64 " B",
                play_draw_scale(d, r, &r->heap.region[0]));
    if (address && r->heap.regions != 0 && !r->heap.region[0].mapped)
        fprintf(d->out, "  heap+0x0 = %#" PRIx64, r->heap.region[0].start);
    fputc('\n', d->out);
}

static void words_flags(const struct draw_style *d, uint64_t word,
                        enum walk_state state)
{
    fprintf(d->out, "size %#" PRIx64, word & ~(uint64_t)CHUNK_FLAGS & 0xffffffffffff);
    fputs((word & PREV_INUSE) != 0 ? "  P: the chunk before is in use or not binned"
                                   : "  no P: the chunk before is free",
          d->out);
    if ((word & NON_MAIN_ARENA) != 0)
        fputs("  A: not the main arena", d->out);
    if (state == WALK_MAPPED)
        fputs("  M: a mapping of its own", d->out);
    if ((state == WALK_LIVE || state == WALK_MAPPED) && (word & HAS_REQUEST) != 0)
        fputs("  R: slack recorded", d->out);
    fputs(state == WALK_BROKEN ? "  check: wrong"
          : state == WALK_LIVE || state == WALK_MAPPED || state == WALK_FENCE
              ? "  check: right, in use"
              : "  check: inverted, free",
          d->out);
}

static void words_link(const struct draw_style *d, const struct play_run *r,
                       const char *which, unsigned offset, uint64_t value)
{
    char name[40] = "NULL";
    if (value != 0)
        play_heap_name(&r->heap, value, name, sizeof name);
    fprintf(d->out, "       +%-4u %-10s %s\n", offset, which, name);
}

static void words_chunk(const struct draw_style *d, const struct play_run *r,
                        const struct heap_region *region, const struct heap_chunk *c)
{
    char name[40];
    uint64_t word[4];
    const struct play_owner *o = play_run_owner(r, c->at + CHUNK_HEADER);
    bool live = c->state == WALK_LIVE || c->state == WALK_MAPPED;
    bool binned = walk_is_binned(c->state);
    play_heap_words(region, c, word);
    fprintf(d->out, "  %s", play_heap_name(&r->heap, c->at, name, sizeof name));
    if (live && o != NULL)
        fprintf(d->out, "  %s, from #%u",
                o->name < 0 ? "block" : r->script->name.text[o->name], o->op);
    if (!live)
        fprintf(d->out, "  %s", play_draw_state(c->state));
    fputc('\n', d->out);
    if (c->state == WALK_MAPPED)
        fprintf(d->out, "       -16   number     %" PRIu64 " of the mapping's record\n",
                word[0]);
    else if ((word[1] & PREV_INUSE) == 0)
        fprintf(d->out, "       -16   prev_size  %#" PRIx64 "\n", word[0]);
    else
        fprintf(d->out, "       -16              the last bytes of the chunk before\n");
    /* The check is keyed by chance: it would be another one in each run. */
    fprintf(d->out, "       -8    header     ....%012" PRIx64 "  ",
            word[1] & 0xffffffffffff);
    words_flags(d, word[1], c->state);
    fputc('\n', d->out);
    if (live)
        fprintf(d->out,
                "       +0    asked      %" PRIu64 " B\n       +%-4" PRIu64
                " slack      %" PRIu64 " B, to the end of the %" PRIu64
                " usable ones\n",
                c->bytes, c->bytes, heap_usable(c) - c->bytes, heap_usable(c));
    if (binned || c->state == WALK_FAST)
        words_link(d, r, "fd", 0, word[2]);
    if (binned) {
        words_link(d, r, "bk", 8, word[3]);
        fprintf(d->out,
                "       +%-4" PRIu64 " footer     %#" PRIx64
                ", in the next chunk's prev_size\n",
                c->size - CHUNK_HEADER, c->size);
    }
}

/* Chunks of a region that are drawn byte by byte, and how many are not. */
static void words_region(const struct draw_style *d, const struct play_run *r,
                         const struct heap_region *region)
{
    struct focus f;
    uint64_t done = region->start;
    focus_of(&f, r, region, 64, d->all);
    for (unsigned i = 0; i < f.ranges; i++) {
        uint64_t from = region->start + f.range[i].from;
        struct heap_sums s = heap_sums_of(region, done, from);
        struct heap_place p;
        if (s.live + s.parts != 0)
            fprintf(d->out,
                    "  ...  %" PRIu64 " chunks in use and %" PRIu64
                    " free ones (--all lists them)\n",
                    s.live, s.parts);
        done = region->start + f.range[i].to;
        const struct heap_chunk *c = heap_from(region, from, &p);
        for (; c != NULL && c->at < done; c = heap_next(&p))
            if (c->at >= from && c->state != WALK_FENCE)
                words_chunk(d, r, region, c);
    }
}

void play_draw_words(const struct draw_style *d, const struct play_run *r)
{
    for (size_t i = 0; i < r->heap.regions; i++)
        words_region(d, r, &r->heap.region[i]);
}
