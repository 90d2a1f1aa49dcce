/* Going through the chunks of one arena with two threads; see check.h. No state. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

enum { CHUNKS_LEAST = 64 << 20 /* bytes of heaps that are worth a thread */ };

/* The second of two that go through the chunks. */
struct chunks_half {
    struct source source;
    struct audit u;
    struct findings found;
    struct links_writer writer;
    uint64_t arena;
    bool sound;
};

/* An arena's heaps in the order of its list. */
struct chunks_extent {
    uint64_t bytes, low;   /* of all; the lowest address */
    struct scan_heap heap; /* in which the wanted byte lies */
    uint64_t rest;         /* how far in it */
};

static void chunks_measure(struct walk *w, const struct walk_arena *a, uint64_t wanted,
                           struct chunks_extent *e)
{
    struct walk_heap h;
    uint64_t at = a->heaps;
    *e = (struct chunks_extent){.low = UINT64_MAX};
    for (unsigned i = 0; at != 0 && i < WALK_LISTS_MAX; i++, at = h.next) {
        if (!walk_read_heap(w, at, &h) || !walk_heap_is_sane(w, &h))
            break;
        uint64_t size = h.end - h.start;
        if (e->bytes <= wanted && wanted - e->bytes < size) {
            e->heap = (struct scan_heap){.h = h, .top = at == a->top_heap ? a->top : 0};
            e->rest = wanted - e->bytes;
        }
        e->bytes += size;
        e->low = h.start < e->low ? h.start : e->low;
    }
}

/* A chunk near the middle; none if the arena is too small for two. */
static struct audit_seam chunks_seam(struct scan *s, const struct walk_arena *a,
                                     uint64_t bytes)
{
    struct chunks_extent e;
    struct audit_seam seam = {0, 0};
    chunks_measure(s->walk, a, bytes / 2, &e);
    if (bytes < CHUNKS_LEAST || s->source->twin == NULL || e.heap.h.address == 0)
        return seam;
    uint64_t at = e.heap.h.start + e.rest, first = e.heap.h.first;
    seam.chunk = scan_boundary(s, &e.heap, at > first ? at : first);
    seam.heap = seam.chunk == 0 ? 0 : e.heap.h.address;
    return seam;
}

static void chunks_note(struct audit *u, const struct walk_chunk *c)
{
    unsigned char raw[CHUNK_MIN];
    if (c->size < LARGE_MIN && reader_get(u->walk->reader, c->address, raw, sizeof raw))
        links_note(u->listener, c->address, raw);
}

static void *chunks_run(void *context)
{
    struct chunks_half *h = context;
    h->sound = audit_arena_chunks(&h->u, h->arena);
    return NULL;
}

/* The second half only counts if the first one ends where it begins: what looked like
 * chunks there may lie inside of one. */
static bool chunks_join(struct audit *u, const struct chunks_half *h, bool sound)
{
    if (!u->has_met)
        return sound;
    audit_arena_join(u, &h->u);
    for (size_t i = 0; i < h->found.count; i++)
        check_collect(u, &h->found.f[i]);
    u->findings += h->found.count;
    return sound && h->sound;
}

static void chunks_listen(struct audit *u, struct links_writer *w, struct links *l,
                          uint64_t from)
{
    links_write(w, l, from);
    u->binned = chunks_note;
    u->listener = w;
}

bool check_chunks(struct audit *u, struct scan *s, uint64_t arena, struct links *links)
{
    struct chunks_half *h = take(sizeof *h);
    struct chunks_extent e;
    struct links_writer writer;
    struct walk_arena a;
    pthread_t thread;
    if (!walk_read_arena(u->walk, arena, &a))
        a.heaps = 0;
    chunks_measure(u->walk, &a, 0, &e);
    struct audit_seam seam = chunks_seam(s, &a, e.bytes);
    bool notes = links != NULL && links_open(links, e.low, u->walk);
    bool runs = seam.heap != 0 && s->source->twin(s->source, &h->source);
    if (runs) {
        h->arena = arena;
        h->u = (struct audit){.walk = &h->source.walk,
                              .report = check_collect,
                              .context = &h->found,
                              .most = u->most,
                              .begin = seam};
        if (notes)
            chunks_listen(&h->u, &h->writer, links, seam.chunk);
        runs = pthread_create(&thread, NULL, chunks_run, h) == 0;
    }
    u->end = runs ? seam : (struct audit_seam){0, 0};
    if (notes)
        chunks_listen(u, &writer, links, 0);
    bool sound = audit_arena_chunks(u, arena);
    if (runs) {
        pthread_join(thread, NULL);
        sound = chunks_join(u, h, sound);
    }
    u->binned = NULL;
    u->end = (struct audit_seam){0, 0};
    source_close(&h->source);
    free(h->found.f);
    free(h);
    return sound;
}
