/* Auditing one arena with two threads; see check.h. No state. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    BINS_PARTS = 8 /* few large ones are cheaper by the chunk, many end together */
};

/* Bins to be followed, by whom has time. */
struct bins_work {
    atomic_uint next; /* part that nobody has taken */
    uint64_t arena;
    struct links links;
};

/* A thread's share of them: a reader, a walk, findings and sums of its own. */
struct bins_share {
    struct links_reader reader;
    struct bins_work *work;
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

static void bins_open(struct bins_share *b, struct bins_work *work,
                      const struct audit *u, const struct source *source)
{
    *b = (struct bins_share){.work = work, .walk = *u->walk};
    links_reader_open(&b->reader, &work->links, source);
    b->walk.reader = &b->reader.source.reader;
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

void check_arena(struct audit *u, struct scan *s, uint64_t address)
{
    struct bins_work work = {.arena = address};
    struct audit_sum bins[2] = {{0, 0}, {0, 0}};
    if (s->source->reader.gather == NULL) {
        audit_arena(u, address);
        return;
    }
    bool lists = !u->chunks_only;
    bool sound = check_chunks(u, s, address, lists ? &work.links : NULL);
    /* Bins of a heap whose chunks are broken would only repeat that. */
    if (sound && audit_arena_sums(u) && lists) {
        bins_both(u, &work, s->source, bins);
        audit_arena_lists(u, bins);
    }
    links_close(&work.links);
}
