/* Auditing one arena with two threads; see check.h. No state. */
#include "check.h"

#include "links.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    BINS_PARTS = 8,  /* few large ones are cheaper by the chunk, many end together */
    BINS_PIECES = 64 /* asked for at a time */
};

/* Bins to be followed, by whom has time. */
struct bins_work {
    atomic_uint next; /* part that nobody has taken */
    uint64_t arena;
    struct links links;
};

/* A thread's share of them: a reader, a walk, findings and sums of its own. */
struct bins_share {
    struct source source; /* first: the share is found from its reader */
    struct bins_work *work;
    void (*ask)(struct reader *r, const uint64_t *address, size_t count, void *buffer,
                size_t size); /* the process */
    struct walk walk;
    struct audit u;
    struct findings found;
    struct audit_sum bins[2];
};

void check_push(struct findings *to, const struct audit_finding *f)
{
    if (to->count == to->room) {
        to->room = to->room * 2 + 16;
        to->f = must(realloc(to->f, to->room * sizeof *to->f));
    }
    to->f[to->count++] = *f;
}

void check_collect(struct audit *u, const struct audit_finding *f)
{
    check_push(u->context, f);
}

/* What was noted, from memory; the rest from the process. */
static void bins_gather(struct reader *r, const uint64_t *address, size_t count,
                        void *buffer, size_t size)
{
    struct bins_share *b = (struct bins_share *)(void *)r;
    const struct links *l = &b->work->links;
    unsigned char raw[BINS_PIECES][LINKS_BYTES];
    uint64_t asked[BINS_PIECES];
    size_t place[BINS_PIECES], missing = 0;
    if (size != LINKS_BYTES || count > BINS_PIECES) {
        b->ask(r, address, count, buffer, size);
        return;
    }
    for (size_t i = 0; i < count; i++)
        links_prefetch(l, address[i]);
    for (size_t i = 0; i < count; i++) {
        if (!links_find(l, address[i], (char *)buffer + i * size)) {
            place[missing] = i;
            asked[missing++] = address[i];
        }
    }
    if (missing != 0)
        b->ask(r, asked, missing, raw, size);
    for (size_t i = 0; i < missing; i++)
        memcpy((char *)buffer + place[i] * size, raw[i], size);
}

static void bins_note(struct audit *u, const struct walk_chunk *c)
{
    unsigned char raw[CHUNK_MIN];
    if (c->size < LARGE_MIN && reader_get(u->walk->reader, c->address, raw, sizeof raw))
        links_note(u->listener, c->address, raw);
}

static void *bins_run(void *context)
{
    struct bins_share *b = context;
    unsigned part;
    if (!walk_read_arena(&b->walk, b->work->arena, &b->u.arena))
        return NULL;
    while ((part = atomic_fetch_add(&b->work->next, 1)) < BINS_PARTS)
        audit_bins(&b->u, part, BINS_PARTS, b->bins);
    return NULL;
}

/* The window belongs to the thread that goes through the chunks: these have none. */
static void bins_open(struct bins_share *b, struct bins_work *work,
                      const struct audit *u, const struct source *source)
{
    *b = (struct bins_share){.work = work, .source = *source, .walk = *u->walk};
    b->ask = source->reader.gather;
    b->source.reader.gather = bins_gather;
    b->source.reader.fill = NULL;
    b->source.reader.length = 0;
    b->walk.reader = &b->source.reader;
    b->u = (struct audit){.walk = &b->walk,
                          .report = check_collect,
                          .context = &b->found,
                          .most = u->most};
}

static void bins_close(struct bins_share *b, struct audit *u, struct audit_sum bins[2])
{
    for (size_t i = 0; i < b->found.count; i++)
        check_push(u->context, &b->found.f[i]);
    for (unsigned i = 0; i < 2; i++) {
        bins[i].count += b->bins[i].count;
        bins[i].size += b->bins[i].size;
    }
    free(b->found.f);
}

/* All bins, by two threads. */
static void bins_both(struct audit *u, struct bins_work *work, struct source *source,
                      struct audit_sum bins[2])
{
    struct bins_share *share = take(2 * sizeof *share);
    pthread_t thread;
    bins_open(&share[0], work, u, source);
    bins_open(&share[1], work, u, source);
    bool runs = pthread_create(&thread, NULL, bins_run, &share[0]) == 0;
    bins_run(&share[1]);
    if (runs)
        pthread_join(thread, NULL);
    for (unsigned i = 0; i < 2; i++)
        bins_close(&share[i], u, bins);
    free(share);
}

/* All chunks; the links of free ones are kept for the bins. */
static bool chunks_noted(struct audit *u, struct links *links, uint64_t address)
{
    u->binned = bins_note;
    u->listener = links;
    bool sound = audit_arena_chunks(u, address);
    u->binned = NULL;
    links_flush(links);
    return sound;
}

void check_arena(struct audit *u, struct source *source, uint64_t address)
{
    struct bins_work work = {.arena = address};
    struct audit_sum bins[2] = {{0, 0}, {0, 0}};
    struct walk_arena a;
    if (u->chunks_only || source->reader.gather == NULL ||
        !walk_read_arena(u->walk, address, &a)) {
        audit_arena(u, address);
        return;
    }
    links_open(&work.links, a.top, a.heap_bytes);
    /* Bins of a heap whose chunks are broken would only repeat that. */
    if (chunks_noted(u, &work.links, address)) {
        bins_both(u, &work, source, bins);
        audit_arena_lists(u, bins);
    }
    links_close(&work.links);
}
