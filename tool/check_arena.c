/* Auditing one arena with two threads; see check.h. No state. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    BINS_PARTS = 2 /* one for each thread; larger ones are cheaper by the chunk */
};

/* Bins to be followed, by whom has time. */
struct bins_work {
    atomic_uint next; /* part that nobody has taken */
    uint64_t arena;
};

/* A thread's share of them: a reader, a walk, findings and sums of its own. */
struct bins_share {
    struct bins_work *work;
    struct source source;
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

/* The window belongs to the thread that goes through the chunks: these have none. */
static void bins_open(struct bins_share *b, struct bins_work *work,
                      const struct audit *u, const struct source *source)
{
    *b = (struct bins_share){.work = work, .source = *source, .walk = *u->walk};
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

void check_arena(struct audit *u, struct source *source, uint64_t address)
{
    struct bins_work work = {.arena = address};
    struct bins_share *share = take(2 * sizeof *share);
    struct audit_sum bins[2] = {{0, 0}, {0, 0}};
    pthread_t thread;
    bins_open(&share[0], &work, u, source);
    bins_open(&share[1], &work, u, source);
    if (u->chunks_only || source->reader.gather == NULL ||
        pthread_create(&thread, NULL, bins_run, &share[0]) != 0) {
        free(share);
        audit_arena(u, address);
        return;
    }
    bool good = audit_arena_chunks(u, address);
    if (good)
        bins_run(&share[1]);
    else
        atomic_store(&work.next, BINS_PARTS);
    pthread_join(thread, NULL);
    /* Bins of a heap whose chunks are broken would only repeat that. */
    for (unsigned i = 0; i < 2; i++) {
        if (!good)
            share[i].found.count = 0;
        bins_close(&share[i], u, bins);
    }
    if (good)
        audit_arena_lists(u, bins);
    free(share);
}
