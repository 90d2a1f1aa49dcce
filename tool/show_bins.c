/* Bins, fast bins and caches as tables; see show.h. No state. */
#include "session.h"
#include "show.h"
#include "text.h"

enum { BIN_LOOK = 1 << 22, SMALL_BINS = 64, STEPS = 32, DOUBLINGS = 24 };

bool bins_measure(struct scan *s, uint64_t head, bool is_ring, struct tally *t)
{
    struct chunk raw;
    struct walk_chunk c;
    uint64_t at = head;
    *t = (struct tally){0, 0, 0};
    do { /* one read a chunk: of a process, each is a call */
        if (at % CHUNK_ALIGN != 0 || t->count == BIN_LOOK ||
            !reader_get(s->walk->reader, at, &raw, offsetof(struct chunk, bk)))
            return false;
        walk_chunk_copy(s->walk, at, &raw, &c);
        if (c.state == WALK_BROKEN)
            return false;
        t->count++;
        t->size += c.size;
        at = (uintptr_t)raw.fd;
    } while (at != (is_ring ? head : 0));
    return true;
}

static void bins_line(struct draw *d, struct scan *s, const char *name, uint64_t size,
                      uint64_t head, bool is_ring, unsigned *lines, unsigned limit)
{
    struct tally t = {0, 0, 0};
    char bytes[SIZE_TEXT], label[48];
    bool good = bins_measure(s, head, is_ring, &t);
    if ((*lines)++ >= limit)
        return;
    snprintf(label, sizeof label, size == 0 ? "%s" : "%s[0x%llx]", name,
             (unsigned long long)size);
    fprintf(d->out, "    %-18s %8llu chunk%c %11s%s\n", label,
            (unsigned long long)t.count, t.count == 1 ? ' ' : 's',
            text_size(bytes, t.size),
            good                        ? ""
            : s->source->reader.is_live ? "  (changing)"
                                        : "  broken !");
}

uint64_t bin_least(unsigned bin)
{
    if (bin < SMALL_BINS)
        return (uint64_t)bin * CHUNK_ALIGN;
    unsigned doubling = (bin - SMALL_BINS) / STEPS, step = (bin - SMALL_BINS) % STEPS;
    return ((uint64_t)LARGE_MIN << doubling) +
           (uint64_t)step * ((uint64_t)LARGE_MIN / STEPS << doubling);
}

unsigned bin_of_size(uint64_t size)
{
    if (size < LARGE_MIN)
        return (unsigned)(size / CHUNK_ALIGN);
    unsigned doubling = log2_floor(size) - log2_floor(LARGE_MIN);
    if (doubling >= DOUBLINGS)
        return SMALL_BINS + STEPS * DOUBLINGS - 1;
    return SMALL_BINS + doubling * STEPS +
           ((unsigned)(size >> (doubling + 5)) & (STEPS - 1));
}

static void bins_arena(struct draw *d, struct scan *s, const struct scan_arena *a,
                       unsigned limit)
{
    unsigned lines = 0;
    char title[TITLE_TEXT];
    heap_title(s->walk, a->a.address, title);
    fprintf(d->out, "  arena %u%s%s%s\n", a->a.index, title[0] != '\0' ? "  \"" : "",
            title, title[0] != '\0' ? "\"" : "");
    for (unsigned i = 0; i < s->walk->root.fast_count; i++) {
        uint64_t head = walk_element(s->walk, a->a.address, ARENA_FAST, i);
        if (head != 0)
            bins_line(d, s, "fast", (uint64_t)i * 16, head, false, &lines, limit);
    }
    if (a->a.unsorted != 0)
        bins_line(d, s, "unsorted", 0, a->a.unsorted, true, &lines, limit);
    for (unsigned i = 0; i < s->walk->root.bin_count; i++) {
        uint64_t head = walk_element(s->walk, a->a.address, ARENA_BINS, i);
        if (head != 0)
            bins_line(d, s, i < 64 ? "small" : "large", bin_least(i), head, true,
                      &lines, limit);
    }
    if (lines > limit)
        fprintf(d->out, "    and %u more bins (chunky bins --all)\n", lines - limit);
    if (lines == 0)
        fprintf(d->out, "    all bins are empty\n");
}

static void bins_caches(struct draw *d, struct scan *s, unsigned limit)
{
    struct walk_cache k;
    unsigned lines = 0;
    char size[2][SIZE_TEXT];
    for (uint64_t at = walk_first_cache(s->walk); at != 0 && lines <= BIN_LOOK;
         at = k.next) {
        struct tally t = {0, 0, 0};
        unsigned classes = 0;
        if (!walk_read_cache(s->walk, at, &k))
            return;
        for (unsigned class = 1; class < s->walk->root.class_count; class ++) {
            struct walk_stack stack;
            if (!walk_read_stack(s->walk, at, class, &stack) || stack.base == 0 ||
                stack.top <= stack.base ||
                stack.top - stack.base > 8 * (uint64_t)stack.room)
                continue;
            uint64_t count = (stack.top - stack.base) / 8;
            classes++;
            t.count += count;
            t.size += count * s->walk->class_size[class];
        }
        if (lines++ < limit)
            fprintf(d->out,
                    "    thread %-11u %8llu chunk%c %11s in %u classes, may hold %s\n",
                    k.thread, (unsigned long long)t.count, t.count == 1 ? ' ' : 's',
                    text_size(size[0], t.size), classes,
                    text_size(size[1], k.capacity));
    }
    if (lines > limit)
        fprintf(d->out, "    and %u more caches\n", lines - limit);
}

void show_bins(struct draw *d, struct scan *s, unsigned limit)
{
    for (size_t i = 0; i < s->arena_count; i++)
        bins_arena(d, s, &s->arenas[i], limit);
    fprintf(d->out, "  caches\n");
    bins_caches(d, s, limit);
}
