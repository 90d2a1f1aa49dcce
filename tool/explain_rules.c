/* malloc's and free's decisions as questions; see explain_rules.h. No state. */
#include "explain_rules.h"

#include <inttypes.h>
#include <stdarg.h>

static void explain_ask(struct explain *e, const char *question, const char *answer,
                        ...)
{
    va_list list;
    fprintf(e->out, "  %2u  %-46s ", ++e->step, question);
    va_start(list, answer);
    vfprintf(e->out, answer, list);
    va_end(list);
    fputc('\n', e->out);
}

static void explain_end(struct explain *e, const char *format, ...)
{
    va_list list;
    fputs("  =>  ", e->out);
    va_start(list, format);
    vfprintf(e->out, format, list);
    va_end(list);
    fputc('\n', e->out);
}

static const struct heap_list *explain_list(const struct explain *e, const char *name)
{
    for (size_t i = 0; i < e->heap->lists; i++)
        if (strcmp(e->heap->list[i].name, name) == 0 && e->heap->list[i].count != 0)
            return &e->heap->list[i];
    return NULL;
}

static const char *explain_first(const struct explain *e, const struct heap_list *l,
                                 char *name, size_t room)
{
    return play_heap_name(e->heap, e->heap->member[l->first], name, room);
}

static const struct heap_chunk *explain_chunk(const struct explain *e, uint64_t at)
{
    return play_heap_of_mem(e->heap, at + CHUNK_HEADER);
}

/* Smallest class that holds `size`, largest that fits into it; 0: none. */
static uint64_t explain_class(const struct explain *e, uint64_t size, bool up)
{
    const struct heap_limits *l = &e->heap->limits;
    uint64_t below = 0;
    for (uint32_t i = 1; i < l->classes; i++) {
        if (up && l->class_size[i] >= size)
            return l->class_size[i];
        if (!up && l->class_size[i] <= size)
            below = l->class_size[i];
        if (!up && i + 1 == l->classes && size >= 2 * (uint64_t)l->class_size[i])
            return 0;
    }
    return below;
}

enum {
    CLASS_EXACT_MAX = 1040,          /* above, one of the next classes may stand in */
    CLASS_NEXT = 2,                  /* so many of them */
    CLASS_BYTES = 32 * KIB,          /* most bytes of one class, */
    CLASS_PART = 32,                 /* or this part of the thread's */
    CLASS_PLAIN_MAX = 32 * 1024 + 16 /* larger ones are kept, but never fetched ahead */
};

/* By how many chunks a large class that is full may grow: it doubles, up to its own limit. */
static uint64_t explain_wider(const struct heap_limits *l, uint32_t class)
{
    uint64_t size = l->class_size[class], allowed = l->allowed[class];
    uint64_t bytes = max_size(CLASS_BYTES, l->budget / CLASS_PART);
    uint64_t wanted = allowed == 0 ? 1 : 2 * allowed + 1;
    if (wanted > 2 && wanted * size > bytes)
        wanted = max_size(bytes / size, 2);
    return wanted > allowed ? wanted - allowed : 0;
}

/* Whether the cache may keep one more chunk of a large class. */
static bool explain_afford(struct explain *e, uint64_t class)
{
    const struct heap_limits *l = &e->heap->limits;
    char name[96];
    uint32_t i = 1;
    if (class <= CLASS_PLAIN_MAX)
        return true;
    while (i + 1 < l->classes && l->class_size[i] != class)
        i++;
    snprintf(name, sizeof name, "cache %s[%#" PRIx64 "]", e->thread, class);
    const struct heap_list *kept = explain_list(e, name);
    size_t count = kept == NULL ? 0 : kept->count;
    uint64_t more = count < l->allowed[i] ? 0 : explain_wider(l, i) * class;
    bool fits = count < l->allowed[i] || (more != 0 && l->capacity + more <= l->budget);
    explain_ask(e, "so large a class: within the cache's budget?",
                fits ? "yes: %#" PRIx64 " of %#" PRIx64
                     : "no: %#" PRIx64 " of %#" PRIx64 " are taken",
                l->capacity, l->budget);
    return fits;
}

/* The thread's cached chunks of `class`, or NULL. */
static const struct heap_list *explain_stack(struct explain *e, uint64_t class)
{
    char name[96];
    snprintf(name, sizeof name, "cache %s[%#" PRIx64 "]", e->thread, class);
    return explain_list(e, name);
}

/* True if the thread's cache has one of `class` or, if that is none that is exact, of the
 * next classes. */
static bool explain_hit(struct explain *e, uint64_t class)
{
    char at[40];
    const struct heap_list *l = explain_stack(e, class);
    uint64_t next = class;
    if (l != NULL) {
        explain_ask(e, "one in the thread's cache?", "yes, %zu: %s is the newest",
                    l->count, explain_first(e, l, at, sizeof at));
    } else {
        explain_ask(e, "one in the thread's cache?", "no");
        if (class <= CLASS_EXACT_MAX)
            return false;
        for (unsigned i = 0; i < CLASS_NEXT && next != 0 && l == NULL; i++) {
            next = explain_class(e, next + 16, true);
            l = explain_stack(e, next);
        }
        explain_ask(e, "one of the next two classes there?",
                    l == NULL ? "no" : "yes, %zu of %#" PRIx64 ": %s is the newest",
                    l == NULL ? 0 : l->count, next,
                    l == NULL ? "" : explain_first(e, l, at, sizeof at));
        if (l == NULL)
            return false;
    }
    explain_end(e, "it is popped; no lock is taken");
    return true;
}

/* True if the thread's cache or the depot has one. */
static bool explain_cached(struct explain *e, uint64_t class)
{
    char name[96];
    if (explain_hit(e, class))
        return true;
    if (class > CLASS_PLAIN_MAX) {
        explain_ask(e, "may the cache fetch some ahead?", "no: only up to %#x",
                    CLASS_PLAIN_MAX);
        return false;
    }
    snprintf(name, sizeof name, "depot[%#" PRIx64 "]", class);
    const struct heap_list *l = explain_list(e, name);
    explain_ask(e, "a magazine of this class in the depot?",
                l == NULL ? "no" : "yes, of %zu", l == NULL ? 0 : l->count);
    if (l != NULL)
        explain_end(e, "the cache takes the magazine whole; one of it is handed out");
    return l != NULL;
}

/* A chunk of exactly this size in a fast or small bin. */
static bool explain_exact(struct explain *e, uint64_t size)
{
    static const char *const kinds[2] = {"fast", "small"};
    for (unsigned i = 0; i < 2; i++) {
        char name[40], question[64], at[40];
        if (i == 0 ? size > 1024 : size >= LARGE_MIN)
            continue;
        snprintf(name, sizeof name, "%s[%#" PRIx64 "]", kinds[i], size);
        snprintf(question, sizeof question, "one in %s?", name);
        const struct heap_list *l = explain_list(e, name);
        if (l == NULL) {
            explain_ask(e, question, "no");
            continue;
        }
        explain_ask(e, question, "yes");
        explain_end(e, "%s, the %s of %zu, is handed out",
                    explain_first(e, l, at, sizeof at), i == 0 ? "newest" : "oldest",
                    l->count);
        return true;
    }
    return false;
}

static bool explain_unsorted(struct explain *e, uint64_t size)
{
    const struct heap_list *l = explain_list(e, "unsorted");
    if (l == NULL) {
        explain_ask(e, "anything in the unsorted bin?", "no");
        return false;
    }
    for (size_t i = 0; i < l->count; i++) {
        char question[64], at[40];
        uint64_t address = e->heap->member[l->first + i];
        const struct heap_chunk *c = explain_chunk(e, address);
        if (c == NULL)
            continue;
        snprintf(question, sizeof question,
                 "unsorted %s of %#" PRIx64 ": exactly that?",
                 play_heap_name(e->heap, address, at, sizeof at), c->size);
        if (c->size == size) {
            explain_ask(e, question, "yes");
            explain_end(e, "%s is handed out", at);
            return true;
        }
        explain_ask(e, question, "no: it goes to its %s bin",
                    c->size < LARGE_MIN ? "small" : "large");
    }
    return false;
}

/* The smallest merged free chunk that is large enough: by then all are sorted. For what would
 * be mapped it must be `resident`. */
static bool explain_fit(struct explain *e, uint64_t size, bool resident)
{
    const struct heap_chunk *best = NULL;
    const struct heap_region *where = NULL;
    const char *question = "one that is large enough in any bin?";
    char at[40];
    for (size_t i = 0; i < e->heap->regions; i++) {
        const struct heap_region *region = &e->heap->region[i];
        struct heap_place p;
        const struct heap_chunk *c = heap_from(region, region->start, &p);
        for (; c != NULL; c = heap_next(&p))
            if (region->arena == e->arena && walk_is_binned(c->state) &&
                c->size >= size && (best == NULL || c->size < best->size)) {
                best = c;
                where = region;
            }
    }
    if (best == NULL) {
        explain_ask(e, question, "no");
        return false;
    }
    play_heap_name(e->heap, best->at, at, sizeof at);
    if (resident &&
        (size < TAIL_MIN || play_heap_clean(where, best, size) > size / HOLE_CLEAN)) {
        explain_ask(e, question, "%s, but it is not known as resident", at);
        return false;
    }
    explain_ask(e, question, "yes%s the best fit is %#" PRIx64 ", at %s",
                resident ? ", and resident:" : ",", best->size, at);
    uint64_t rest = best->size - size;
    explain_ask(e, "is the rest a chunk of its own (0x20)?", "%s: %#" PRIx64,
                rest >= CHUNK_MIN ? "yes" : "no", rest);
    if (rest >= CHUNK_MIN)
        explain_end(e,
                    "split: %#" PRIx64 " is handed out, %#" PRIx64
                    " goes to the unsorted bin",
                    size, rest);
    else
        explain_end(e, "all %#" PRIx64 " is handed out", best->size);
    return true;
}

/* The best fit once all that is free has been joined with its neighbours, 0 for none; and
 * what the top will have. */
static uint64_t explain_joined(const struct explain *e, uint64_t size, uint64_t *top)
{
    uint64_t best = 0;
    for (size_t i = 0; i < e->heap->regions; i++) {
        const struct heap_region *region = &e->heap->region[i];
        struct heap_place p;
        uint64_t run = 0;
        const struct heap_chunk *c = heap_from(region, region->start, &p);
        for (; c != NULL && region->arena == e->arena; c = heap_next(&p)) {
            if (c->state == WALK_FAST || walk_is_binned(c->state)) {
                run += c->size;
                continue;
            }
            if (c->state == WALK_TOP)
                *top = c->size + run;
            else if (run >= size && (best == 0 || run < best))
                best = run;
            run = 0;
        }
    }
    return best;
}

/* The fast bins are merged, and the search starts again. */
static void explain_again(struct explain *e, uint64_t size)
{
    uint64_t top = 0, best = explain_joined(e, size, &top);
    if (best >= size + CHUNK_MIN)
        explain_end(e, "then %#" PRIx64 " is the best fit and is split", best);
    else if (best != 0)
        explain_end(e, "then all %#" PRIx64 " of the best fit is handed out", best);
    else if (top >= size + CHUNK_MIN)
        explain_end(e, "then the top is large enough and is split");
    else
        explain_end(e, "the heap grows, and the top is split");
}

static void explain_top(struct explain *e, uint64_t size)
{
    uint64_t fast = 0, top = 0;
    for (size_t i = 0; i < e->heap->regions; i++) {
        const struct heap_region *region = &e->heap->region[i];
        if (region->arena == e->arena && !region->mapped) {
            fast += heap_sums_of(region, region->start, region->end).fast;
            top = region->top_size != 0 ? region->top_size : top;
        }
    }
    bool enough = top >= size + CHUNK_MIN;
    explain_ask(e, "is the top large enough, with 0x20 left over?", "%s: %#" PRIx64,
                enough ? "yes" : "no", top);
    if (enough) {
        explain_end(e,
                    e->several ? "the top is split: several neighbours of %#" PRIx64
                                 " off its start"
                               : "the top is split: %#" PRIx64 " off its start",
                    size);
        return;
    }
    explain_ask(e, "anything unmerged in the fast bins?",
                fast == 0     ? "no"
                : fast < size ? "yes, %#" PRIx64 ": less than is needed"
                              : "yes, %#" PRIx64
                                ": they are merged, and the search starts again",
                fast);
    if (fast < size)
        explain_end(e, "the heap grows, and the top is split");
    else
        explain_again(e, size);
}

void explain_malloc(struct explain *e, uint64_t bytes)
{
    const struct heap_limits *l = &e->heap->limits;
    explain_ask(e, "more than half the address space?",
                bytes > PTRDIFF_MAX ? "yes" : "no");
    if (bytes > PTRDIFF_MAX) {
        explain_end(e, "NULL and ENOMEM");
        return;
    }
    uint64_t size = chunk_size_for(bytes);
    explain_ask(e, "which chunk size?", "%" PRIu64 " + 8, rounded up to 16: %#" PRIx64,
                bytes, size);
    uint64_t class = explain_class(e, size, true);
    bool cached = l->cache_bytes != 0 && class != 0;
    explain_ask(e, "does the thread's cache hold such sizes?",
                l->cache_bytes == 0 ? "no: there are no caches"
                : cached            ? "yes, class %#" PRIx64
                                    : "no",
                class);
    if (cached && explain_cached(e, class))
        return;
    cached = cached && class <= CLASS_PLAIN_MAX;
    bool mapped = bytes >= l->mmap_threshold;
    if (!cached)
        explain_ask(e, "at or above the mmap threshold?", "%s: it is %" PRIu64,
                    mapped ? "yes" : "no", l->mmap_threshold);
    if (mapped && !cached) {
        if (!explain_fit(e, size, true))
            explain_end(e, "a mapping of its own");
        return;
    }
    size = cached ? class : size;
    e->several = cached;
    if (!explain_exact(e, size) && !explain_unsorted(e, size) &&
        !explain_fit(e, size, false))
        explain_top(e, size);
}

/* Header and address. False if free would stop the program. */
static const struct heap_chunk *explain_verify(struct explain *e, uint64_t mem)
{
    explain_ask(e, "NULL?", mem == 0 ? "yes" : "no");
    if (mem == 0) {
        explain_end(e, "nothing happens");
        return NULL;
    }
    explain_ask(e, "aligned to 16?", mem % 16 == 0 ? "yes" : "no");
    const struct heap_chunk *c = mem % 16 == 0 ? play_heap_of_mem(e->heap, mem) : NULL;
    bool live = c != NULL && (c->state == WALK_LIVE || c->state == WALK_MAPPED);
    if (mem % 16 == 0)
        explain_ask(e, "is the header's check right, for a block in use?",
                    live        ? "yes: a chunk of %#" PRIx64
                    : c != NULL ? "no: it is that of a free chunk of %#" PRIx64
                                : "no: no chunk of ours starts here",
                    c == NULL ? 0 : c->size);
    if (!live)
        explain_end(e, "%s: report, and the program ends%s",
                    c != NULL ? "double free" : "invalid pointer",
                    c != NULL ? "" : " (at once, if nothing is mapped there)");
    return live ? c : NULL;
}

static void explain_words(const struct explain *e, const struct heap_chunk *c,
                          uint64_t word[4])
{
    for (size_t i = 0; i < e->heap->regions; i++)
        if (c->at - e->heap->region[i].start <
            e->heap->region[i].end - e->heap->region[i].start)
            play_heap_words(&e->heap->region[i], c, word);
}

static void explain_merge(struct explain *e, const struct heap_chunk *c)
{
    uint64_t size = c->size, word[4] = {0};
    bool before = (c->flags & PREV_INUSE) == 0;
    explain_words(e, c, word);
    const struct heap_chunk *behind = explain_chunk(e, c->at + c->size);
    explain_ask(e, "is the chunk before free (P clear)?",
                before ? "yes, %#" PRIx64 ": joined" : "no", word[0]);
    size += before ? word[0] : 0;
    bool top = behind != NULL && behind->state == WALK_TOP;
    explain_ask(e, "is the top behind it?", top ? "yes" : "no");
    if (top) {
        explain_end(e, "%#" PRIx64 " becomes part of the top", size);
        return;
    }
    bool joined = behind != NULL && walk_is_binned(behind->state);
    explain_ask(e, "is the chunk behind free?",
                joined ? "yes, %#" PRIx64 ": joined" : "no", joined ? behind->size : 0);
    size += joined ? behind->size : 0;
    explain_end(e, "%#" PRIx64 " goes to the unsorted bin", size);
}

void explain_free(struct explain *e, uint64_t mem)
{
    const struct heap_limits *l = &e->heap->limits;
    const struct heap_chunk *c = explain_verify(e, mem);
    if (c == NULL)
        return;
    explain_ask(e, "a mapping of its own (M)?", c->state == WALK_MAPPED ? "yes" : "no");
    if (c->state == WALK_MAPPED) {
        explain_end(e,
                    "%#" PRIx64 " bytes are unmapped, or kept for a second if such "
                    "sizes came back lately",
                    c->size);
        return;
    }
    uint64_t class = explain_class(e, c->size, false);
    bool cached = l->cache_bytes != 0 && class != 0;
    explain_ask(e, "does the thread's cache hold such sizes?",
                l->cache_bytes == 0 ? "no: there are no caches"
                : cached            ? "yes, class %#" PRIx64
                                    : "no",
                class);
    if (cached && explain_afford(e, class)) {
        explain_end(e,
                    "pushed on the cache; if that is full, its older half leaves for "
                    "the arena");
        return;
    }
    bool fast = c->size <= l->fast_max;
    explain_ask(e, "small enough for a fast bin?", "%s: they go to %#" PRIx64,
                fast ? "yes" : "no", l->fast_max);
    if (fast)
        explain_end(e, "parked in fast[%#" PRIx64 "], unmerged", c->size);
    else
        explain_merge(e, c);
}
