/* Bins, fast bins and caches as tables; see show.h. No state. */
#include "follow.h"
#include "session.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>

enum { CACHES_MOST = 1 << 22, SMALL_BINS = 64, STEPS = 32, DOUBLINGS = 24 };

static void bins_line(struct draw *d, const struct scan *s, const struct list *l)
{
    char bytes[SIZE_TEXT], label[LIST_LABEL];
    list_label(l, label);
    fprintf(d->out, "    %-18s %8llu chunk%c %11s%s\n", label,
            (unsigned long long)l->count, l->count == 1 ? ' ' : 's',
            text_size(bytes, l->size),
            l->wrong == NULL            ? ""
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
    char title[TITLE_TEXT];
    size_t count;
    heap_title(s->walk, a->a.address, title);
    fprintf(d->out, "  arena %u%s%s%s\n", a->a.index, title[0] != '\0' ? "  \"" : "",
            title, title[0] != '\0' ? "\"" : "");
    struct list *l = follow_lists(s->walk, &a->a, &count);
    follow_all(s, &a->a, l, count < limit ? count : limit);
    for (size_t i = 0; i < count && i < limit; i++)
        bins_line(d, s, &l[i]);
    if (count > limit)
        fprintf(d->out, "    and %zu more bins (chunky bins --all)\n", count - limit);
    if (count == 0)
        fprintf(d->out, "    all bins are empty\n");
    free(l);
}

static void bins_caches(struct draw *d, struct scan *s, unsigned limit)
{
    struct walk_cache k;
    unsigned lines = 0;
    char size[2][SIZE_TEXT];
    for (uint64_t at = walk_first_cache(s->walk); at != 0 && lines <= CACHES_MOST;
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
                    "    thread %-11u %8llu chunk%c %11s  %u class%s, up to %s\n",
                    k.thread, (unsigned long long)t.count, t.count == 1 ? ' ' : 's',
                    text_size(size[0], t.size), classes, classes == 1 ? "" : "es",
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
