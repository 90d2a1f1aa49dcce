/* Bins, depots and caches as lists; see play_heap.h. No state. */
#include "play_heap.h"

#include "play_list.h"

#include <inttypes.h>

enum {
    MEMBERS_MAX = 1 << 22, /* of one list: more can only be a loop */
    SMALL_BINS = 64,
    BIN_STEPS_LOG2 = 5
};

static struct heap_list *heap_add_list(struct play_heap *h)
{
    h->list = list_room(h->list, &h->list_room, h->lists, 1, sizeof *h->list);
    struct heap_list *l = &h->list[h->lists++];
    memset(l, 0, sizeof *l);
    l->first = h->members;
    return l;
}

static void heap_add_member(struct play_heap *h, struct heap_list *l, uint64_t at)
{
    h->member = list_room(h->member, &h->member_room, h->members, 1, sizeof *h->member);
    h->member[h->members++] = at;
    l->count++;
}

static void heap_break(struct heap_list *l, const char *what, uint64_t at,
                       uint64_t found, uint64_t expected)
{
    l->broken = true;
    l->link = what;
    l->at = at;
    l->found = found;
    l->expected = expected;
}

/* A ring by fd, with bk compared, or a chain that ends with NULL. */
static void heap_follow(struct play_heap *h, struct heap_list *l, uint64_t head,
                        bool ring)
{
    uint64_t at = head, before = 0;
    l->two_way = ring;
    while (at != 0 && l->count < MEMBERS_MAX) {
        uint64_t links[2];
        if (!heap_get(h, at + CHUNK_HEADER, links, sizeof links)) {
            heap_break(l, "fd", before, at, 0);
            return;
        }
        if (ring && before != 0 && links[1] != before)
            heap_break(l, "bk", at, links[1], before);
        heap_add_member(h, l, at);
        before = at;
        at = links[0];
        if (ring && at == head)
            return;
    }
}

static void heap_name_large(struct heap_list *l, const char *arena, unsigned i)
{
    unsigned doubling = i >> BIN_STEPS_LOG2;
    uint64_t step = i & ((1U << BIN_STEPS_LOG2) - 1), one = (uint64_t)32 << doubling;
    uint64_t low = ((uint64_t)LARGE_MIN << doubling) + step * one;
    snprintf(l->name, sizeof l->name, "%slarge[%#" PRIx64 "..%#" PRIx64 ")", arena, low,
             low + one);
}

static void heap_walk_bins(struct play_heap *h, struct walk *w,
                           const struct walk_arena *a)
{
    char arena[24] = "";
    if (a->index != 0)
        snprintf(arena, sizeof arena, "arena%" PRIu32 " ", a->index);
    for (unsigned i = 0; i < w->root.fast_count; i++) {
        uint64_t head = walk_element(w, a->address, ARENA_FAST, i);
        if (head == 0)
            continue;
        struct heap_list *l = heap_add_list(h);
        snprintf(l->name, sizeof l->name, "%sfast[%#x]", arena, i * CHUNK_ALIGN);
        heap_follow(h, l, head, false);
    }
    if (a->unsorted != 0) {
        struct heap_list *l = heap_add_list(h);
        snprintf(l->name, sizeof l->name, "%sunsorted", arena);
        heap_follow(h, l, a->unsorted, true);
    }
    for (unsigned i = 0; i < w->root.bin_count; i++) {
        uint64_t head = walk_element(w, a->address, ARENA_BINS, i);
        if (head == 0)
            continue;
        struct heap_list *l = heap_add_list(h);
        if (i < SMALL_BINS)
            snprintf(l->name, sizeof l->name, "%ssmall[%#x]", arena, i * CHUNK_ALIGN);
        else
            heap_name_large(l, arena, i - SMALL_BINS);
        heap_follow(h, l, head, true);
    }
}

static void heap_add_magazine(struct play_heap *h, struct walk *w, struct heap_list *l,
                              const struct walk_magazine *m)
{
    uint64_t mem;
    for (uint32_t i = m->count; i-- > 0;)
        if (walk_read_slots(w, &m->slots, i, &mem, 1) != 0)
            heap_add_member(h, l, mem - CHUNK_HEADER);
}

static void heap_walk_depot(struct play_heap *h, struct walk *w,
                            const struct walk_arena *a)
{
    for (unsigned i = 0; i < w->root.class_count; i++) {
        uint64_t at = walk_element(w, a->address, ARENA_DEPOT_FULL, i);
        struct walk_magazine m;
        while (at != 0 && walk_read_magazine(w, at, &m)) {
            struct heap_list *l = heap_add_list(h);
            snprintf(l->name, sizeof l->name, "depot%.0" PRIu32 "[%#" PRIx32 "]",
                     a->index, w->class_size[i]);
            heap_add_magazine(h, w, l, &m);
            at = m.next;
        }
    }
    struct walk_magazine m;
    for (uint64_t at = a->remote_list; at != 0 && walk_read_magazine(w, at, &m);
         at = m.next) {
        struct heap_list *l = heap_add_list(h);
        snprintf(l->name, sizeof l->name, "remote%.0" PRIu32, a->index);
        heap_add_magazine(h, w, l, &m);
    }
}

static void heap_walk_caches(struct play_heap *h, struct walk *w,
                             const struct play_session *s)
{
    struct walk_cache k;
    for (uint64_t at = walk_first_cache(w); at != 0 && walk_read_cache(w, at, &k);
         at = k.next) {
        for (unsigned i = 0; i < w->root.class_count; i++) {
            struct walk_stack stack;
            if (!walk_read_stack(w, at, i, &stack) || stack.base == 0 ||
                stack.top <= stack.base)
                continue;
            struct heap_list *l = heap_add_list(h);
            snprintf(l->name, sizeof l->name, "cache %s[%#" PRIx32 "]",
                     play_session_thread_name(s, k.thread), w->class_size[i]);
            for (uint64_t slot = stack.top; slot > stack.base; slot -= 8)
                heap_add_member(h, l, walk_word(w, slot - 8) - CHUNK_HEADER);
        }
    }
}

void heap_walk_lists(struct play_heap *h, struct walk *w, const struct play_session *s)
{
    struct walk_arena a;
    uint64_t main_arena = (uintptr_t)w->root.arena_main;
    for (uint64_t at = main_arena; at != 0 && walk_read_arena(w, at, &a); at = a.next) {
        heap_walk_bins(h, w, &a);
        heap_walk_depot(h, w, &a);
    }
    heap_walk_caches(h, w, s);
}
