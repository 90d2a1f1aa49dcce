/* One chunk for a person: its neighbours, where it is listed, its bytes. See show.h. */
#include "show.h"

#include "follow.h"
#include "text.h"

#include <ctype.h>

enum { LOOK_MAX = 1 << 22 };

void show_hex(struct draw *d, struct source *s, uint64_t address, uint64_t size)
{
    unsigned char row[16];
    for (uint64_t at = 0; at < size; at += sizeof row) {
        size_t want = size - at < sizeof row ? (size_t)(size - at) : sizeof row;
        size_t got = s->reader.read(&s->reader, address + at, row, want);
        fprintf(d->out, "    %012llx ", (unsigned long long)(address + at));
        for (size_t i = 0; i < sizeof row; i++) {
            if (i % 8 == 0)
                fputc(' ', d->out);
            if (i < got)
                fprintf(d->out, "%02x ", row[i]);
            else
                fputs(i < want ? "?? " : "   ", d->out);
        }
        fputs(" |", d->out);
        for (size_t i = 0; i < got; i++)
            fputc(row[i] >= ' ' && row[i] <= '~' ? row[i] : '.', d->out);
        fputs("|\n", d->out);
    }
}

/* --- neighbours ------------------------------------------------------------- */

static bool around_visit(void *context, const struct block *b)
{
    struct around *a = context;
    if (a->page_chunk == 0 && b->address + b->size > a->page)
        a->page_chunk = b->address;
    if (a->has_at) {
        a->next = *b;
        a->has_next = true;
        return false;
    }
    if (a->wanted < b->address + b->size) {
        a->at = *b;
        a->has_at = true;
        return b->kind != KIND_BROKEN;
    }
    a->prev = *b;
    a->has_prev = true;
    return true;
}

bool around_find(struct scan *s, uint64_t address, struct around *a)
{
    struct scan_heap *h = scan_heap_of(s, address);
    *a = (struct around){.wanted = address, .page = align_down(address, s->walk->page)};
    s->wants_request = true;
    if (h != NULL) {
        if (address >= h->h.first && address < h->h.end)
            scan_heap(s, h, around_visit, a);
        a->heap = h;
        return a->has_at;
    }
    const struct scan_guard *g = scan_guard_of(s, address);
    if (g != NULL) {
        a->has_at = address >= g->from && scan_guard_block(s, g, &a->at);
        return a->has_at;
    }
    for (size_t i = 0; i < s->mapped_count; i++) {
        if (address - s->mapped[i].m.start >= s->mapped[i].m.length)
            continue;
        struct scan one = *s;
        one.mapped = &s->mapped[i];
        one.mapped_count = 1;
        a->wanted = s->mapped[i].m.start;
        scan_mappings(&one, around_visit, a);
        return a->has_at;
    }
    return false;
}

/* --- where it is listed ----------------------------------------------------- */

static void listed_bin(struct scan *s, const struct block *b, struct listed *l)
{
    const struct walk_arena *a = &s->arenas[b->heap->arena].a;
    struct list list = {.kind = b->kind, .seek = b->address};
    if (b->kind == KIND_FAST) {
        list.bin = (unsigned)(b->size / CHUNK_ALIGN);
        list.head = walk_element(s->walk, a->address, ARENA_FAST, list.bin);
    } else if (b->kind == KIND_UNSORTED) {
        list.head = walk_element(s->walk, a->address, ARENA_UNSORTED, 0);
    } else {
        list.kind = KIND_SMALL;
        list.bin = bin_of_size(b->size);
        list.head = walk_element(s->walk, a->address, ARENA_BINS, list.bin);
    }
    list.fd = list.head;
    list_label(&list, l->name);
    if (list.head != 0)
        follow_all(s, a, &list, 1);
    l->place = list.place;
    l->length = list.count;
    l->wrong = list.wrong;
}

static bool listed_in_slots(struct scan *s, const struct walk_slots *slots,
                            uint64_t mem, struct listed *l)
{
    uint64_t slot[128];
    for (uint64_t done = 0; done < slots->count;) {
        size_t n = walk_read_slots(s->walk, slots, done, slot, 128);
        if (n == 0)
            return false;
        for (size_t i = 0; i < n; i++) {
            if (slot[i] == mem) {
                l->place = done + i + 1;
                l->length = slots->count;
                return true;
            }
        }
        done += n;
    }
    return false;
}

static bool listed_in_cache(struct scan *s, uint64_t mem, struct listed *l)
{
    struct walk_cache k;
    uint64_t at = walk_first_cache(s->walk);
    for (unsigned i = 0; at != 0 && i < LOOK_MAX; i++, at = k.next) {
        if (!walk_read_cache(s->walk, at, &k))
            return false;
        for (unsigned class = 1; class < s->walk->root.class_count; class ++) {
            struct walk_stack stack;
            if (!walk_read_stack(s->walk, at, class, &stack) || stack.base == 0 ||
                stack.top < stack.base ||
                stack.top - stack.base > 8 * (uint64_t)stack.room)
                continue;
            struct walk_slots slots = walk_stack_slots(&stack);
            if (listed_in_slots(s, &slots, mem, l)) {
                snprintf(l->name, sizeof l->name, "cache of thread %u, class 0x%x",
                         k.thread, s->walk->class_size[class]);
                return true;
            }
        }
    }
    return false;
}

static bool listed_in_magazines(struct scan *s, uint64_t first, uint64_t mem,
                                const char *what, unsigned arena, struct listed *l)
{
    struct walk_magazine m;
    uint64_t at = first;
    for (unsigned i = 0; at != 0 && i < LOOK_MAX; i++, at = m.next) {
        if (!walk_read_magazine(s->walk, at, &m))
            return false;
        if (listed_in_slots(s, &m.slots, mem, l)) {
            snprintf(l->name, sizeof l->name, "%s of arena %u", what, arena);
            return true;
        }
    }
    return false;
}

void listed_find(struct scan *s, const struct block *b, struct listed *l)
{
    uint64_t mem = b->address + CHUNK_HEADER;
    *l = (struct listed){.place = 0};
    if (b->heap == NULL)
        return;
    if (b->kind == KIND_FAST || b->kind == KIND_UNSORTED || b->kind == KIND_SMALL ||
        b->kind == KIND_LARGE) {
        listed_bin(s, b, l);
    } else if (b->kind == KIND_CACHED) {
        listed_in_cache(s, mem, l);
    } else if (b->kind == KIND_DEPOT || b->kind == KIND_REMOTE) {
        const struct walk_arena *a = &s->arenas[b->heap->arena].a;
        if (listed_in_magazines(s, a->remote_list, mem, "remote list", a->index, l))
            return;
        for (unsigned class = 0; class < s->walk->root.class_count; class ++)
            if (listed_in_magazines(
                    s, walk_element(s->walk, a->address, ARENA_DEPOT_FULL, class), mem,
                    "depot", a->index, l))
                return;
    }
}
