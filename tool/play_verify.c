/* Audit and comparison; see play_verify.h. No state. */
#include "play_verify.h"

#include "audit/audit.h"

#include <inttypes.h>

struct verify {
    FILE *out;
    const struct play_run *run;
};

static void verify_report(struct audit *u, const struct audit_finding *f)
{
    const struct verify *v = u->context;
    fprintf(v->out, "     !  audit: %s, chunk %#" PRIx64, f->rule, f->chunk);
    if (f->found != f->expected) /* a rule about values */
        fprintf(v->out, ", found %#" PRIx64 ", expected %#" PRIx64, f->found,
                f->expected);
    putc('\n', v->out);
}

/* Chunks and bytes of each state that are drawn for one arena. */
static void verify_drawn(const struct play_heap *h, unsigned arena,
                         struct audit_sum sum[WALK_STATES])
{
    memset(sum, 0, sizeof *sum * WALK_STATES);
    for (size_t i = 0; i < h->regions; i++) {
        const struct heap_region *region = &h->region[i];
        struct heap_place p;
        const struct heap_chunk *c = heap_from(region, region->start, &p);
        for (; c != NULL && !region->mapped && region->arena == arena;
             c = heap_next(&p)) {
            sum[c->state].count++;
            sum[c->state].size += c->size;
        }
    }
}

static void verify_arenas(struct verify *v, struct audit *u)
{
    struct walk *w = u->walk;
    struct walk_arena a;
    for (uint64_t at = (uintptr_t)w->root.arena_main;
         at != 0 && walk_read_arena(w, at, &a); at = a.next) {
        struct audit_sum drawn[WALK_STATES];
        audit_arena(u, at);
        verify_drawn(&v->run->heap, a.index, drawn);
        for (unsigned s = 0; s < WALK_FENCE; s++)
            if (drawn[s].count != u->state[s].count ||
                drawn[s].size != u->state[s].size)
                fprintf(v->out,
                        "     !  arena %" PRIu32 ", state %u: drawn %" PRIu64
                        " chunks of %#" PRIx64 ", audit %" PRIu64 " of %#" PRIx64 "\n",
                        a.index, s, drawn[s].count, drawn[s].size, u->state[s].count,
                        u->state[s].size);
    }
}

static void verify_use(struct walk *w, void *context)
{
    struct audit u = {
        .walk = w, .report = verify_report, .context = context, .most = 5};
    verify_arenas(context, &u);
    audit_caches(&u);
    audit_mapped(&u);
    audit_meta(&u);
}

void play_verify(FILE *out, const struct play_run *r)
{
    struct verify v = {out, r};
    play_heap_open(&r->session, verify_use, &v);
}
