/*
 * Steps; see fuzz_step.h.
 */
#include "fuzz/fuzz_step.h"

#include <unistd.h>

#include "api/names.h"
#include "support/pattern.h"

enum { LIVE_MOST = 10 << 20, PARAMETERS_SAFE = 2 };

struct step {
    uint8_t what;
    uint8_t which;
    size_t bytes;
};

/* Values, of which the first is the usual one. */
static const struct parameter {
    int name;
    int value[4];
} parameters[] = {
    {M_MXFAST, {128, 0, 40, 160}},
    {M_PERTURB, {0, 0x5a, 1, 255}},
    {M_MMAP_THRESHOLD, {128 << 10, 4096, 1 << 20, 20000}},
    {M_TRIM_THRESHOLD, {128 << 10, 0, -1, 1 << 20}},
    {M_TOP_PAD, {128 << 10, 0, 1 << 20, 100}},
    {M_MMAP_MAX, {65536, 0, 1, 20}},
    {M_ARENA_MAX, {16, 1, 2, 3}},
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters };

void step_destroy_own(struct worker *w)
{
    if (!w->own)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        if (w->slot[i].heap == w->own)
            slot_leave(w, &w->slot[i]);
    chunky_heap_destroy(w->own);
    w->own = NULL;
}

/* The named heap that a number stands for; NULL: none. */
static struct chunky_heap *heap_for(struct worker *w, unsigned number)
{
    if (!common[0] || number % 4 == 0)
        return NULL;
    if (number % 4 != 3)
        return common[number % 4 - 1];
    if (!w->own)
        w->own = chunky_heap_create("own", 0);
    return w->own;
}

static void demand_zero(void *mem, size_t bytes, struct chunky_heap *heap)
{
    if (mem && pattern_not_zero(mem, bytes) != bytes)
        demand(false, "calloc is not zero", &(struct slot){mem, bytes, 0, 0, heap});
}

static void allocate_named(struct worker *w, struct slot *s, struct step step,
                           struct chunky_heap *heap)
{
    size_t align = LEAST_ALIGN;
    void *mem;
    switch (step.what % 8) {
    case 0:
        mem = chunky_heap_calloc(heap, step.bytes, 1);
        demand_zero(mem, step.bytes, heap);
        break;
    case 1:
    case 2:
        align = (size_t)LEAST_ALIGN << (step.what >> 3) % 14;
        mem = chunky_heap_aligned_alloc(heap, align, step.bytes);
        break;
    case 3:
        mem = chunky_heap_realloc(heap, NULL, step.bytes);
        break;
    default:
        mem = chunky_heap_malloc(heap, step.bytes);
    }
    slot_enter(w, s, mem, step.bytes, align, heap);
}

/* Whole pages, and aligned to them. */
static void *allocate_pages(size_t *bytes, size_t *align, bool rounded)
{
    *align = (size_t)sysconf(_SC_PAGESIZE);
    if (!rounded)
        return valloc(*bytes);
    void *mem = pvalloc(*bytes);
    *bytes = (*bytes + *align - 1) & ~(*align - 1);
    return mem;
}

static void allocate(struct worker *w, struct slot *s, struct step step)
{
    void *mem = NULL;
    size_t align = LEAST_ALIGN;
    size_t power = (size_t)1 << (step.what >> 3) % 18;
    slot_free(w, s, step.which);
    struct chunky_heap *heap = heap_for(w, step.which >> 6);
    if (heap) {
        allocate_named(w, s, step, heap);
        return;
    }
    switch (step.what % 8) {
    case 0:; /* as rows and columns */
        size_t rows = step.bytes % 7 + 1;
        size_t columns = step.bytes / rows;
        step.bytes = rows * columns;
        mem = calloc(rows, columns);
        demand_zero(mem, step.bytes, NULL);
        break;
    case 1:
        mem = memalign(power, step.bytes);
        align = power;
        break;
    case 2:
        align = power < sizeof(void *) ? sizeof(void *) : power;
        int code = posix_memalign(&mem, align, step.bytes);
        errno = code ? code : errno;
        break;
    case 3:
        mem = aligned_alloc(power, step.bytes);
        align = power;
        break;
    case 4:
        mem = reallocarray(NULL, step.bytes, 1);
        break;
    case 5:
        mem = allocate_pages(&step.bytes, &align, step.what & 8);
        break;
    default:
        mem = malloc(step.bytes);
    }
    slot_enter(w, s, mem, step.bytes, align, NULL);
}

static void resize(struct worker *w, struct slot *s, struct step step)
{
    struct slot old = slot_leave(w, s);
    size_t bytes = step.bytes ? step.bytes : 1;
    unsigned char *mem;
    if (old.heap && step.what & 64)
        mem = chunky_heap_realloc(old.heap, old.mem, bytes);
    else if (step.what & 32)
        mem = reallocarray(old.mem, bytes, 1);
    else
        mem = realloc(old.mem, bytes);
    size_t both = bytes < old.bytes ? bytes : old.bytes;
    if (mem && old.mem)
        demand(pattern_holds_prefix(mem, both, old.seed), "contents after realloc",
               &(struct slot){mem, bytes, LEAST_ALIGN, old.seed, old.heap});
    if (!mem && old.mem) { /* still ours, as it was */
        demand_refusal(&old);
        slot_return(w, s, old);
        return;
    }
    slot_enter(w, s, mem, bytes, LEAST_ALIGN, old.heap);
}

/* Fills what is empty, frees, or hands over: a batch. */
static void all_slots(struct worker *w, struct step step)
{
    if (step.what & 128)
        step_destroy_own(w);
    for (unsigned i = 0; i < SLOTS; i++) {
        unsigned at = step.what & 32 ? SLOTS - 1 - i : i;
        struct slot *s = &w->slot[at * (step.which | 1U) % SLOTS];
        if ((step.what & 24) == 24)
            slot_swap(w, s, i % SHARED);
        else if (step.what & 64)
            slot_free(w, s, 0);
        else if (!s->mem && w->live + step.bytes < LIVE_MOST)
            slot_enter(w, s, malloc(step.bytes), step.bytes, LEAST_ALIGN, NULL);
    }
}

static int count_block(const struct chunky_block *block, void *count)
{
    ++*(size_t *)count;
    demand(block->mem && block->usable >= block->bytes, "walk",
           &(struct slot){block->mem, block->bytes, 0, 0, block->heap});
    return 0;
}

/* What is counted from inside; nobody else touches a heap of the worker's own. */
static void count_all(const struct worker *w)
{
    size_t own = 0, seen = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        own += w->slot[i].heap && w->slot[i].heap == w->own;
    if (w->own) {
        chunky_heap_walk(w->own, count_block, &seen);
        demand(seen == own && chunky_heap_stats(w->own).blocks == own,
               "blocks of a named heap", &w->slot[0]);
    }
    struct chunky_heap_stats s = chunky_heap_stats(common[1]);
    demand(s.used <= s.limit, "beyond its limit", &w->slot[0]);
    chunky_walk(count_block, &seen);
}

static void tune(unsigned number, unsigned value, unsigned flags)
{
    const struct parameter *p =
        &parameters[number %
                    (flags & PLAY_FIXED ? (unsigned)PARAMETERS : PARAMETERS_SAFE)];
    demand(mallopt(p->name, p->value[value % 4]) == 1, "mallopt", &(struct slot){0});
}

void step_untune(unsigned flags)
{
    for (unsigned i = 0;
         i < (flags & PLAY_FIXED ? (unsigned)PARAMETERS : PARAMETERS_SAFE); i++)
        tune(i, 0, flags);
}

static void write_info(void)
{
    FILE *nowhere = fopen("/dev/null", "w");
    if (nowhere) {
        demand(malloc_info(0, nowhere) == 0, "malloc_info", &(struct slot){0});
        fclose(nowhere);
    }
}

static void look(struct worker *w, struct slot *s, struct step step, unsigned flags)
{
    if (s->mem) {
        demand(pattern_holds_sparse(s->mem, s->bytes, s->seed), "contents", s);
        size_t usable = malloc_usable_size(s->mem);
        demand(usable >= s->bytes, "usable size", s);
        demand(memalignment(s->mem) >= s->align, "memalignment", s);
        memset(s->mem + s->bytes, 0x5c, usable - s->bytes); /* ours as well */
    }
    if (step.bytes % 256 == 0)
        malloc_trim(step.which);
    if (step.bytes % 64 == 1)
        mallinfo2();
    if (step.bytes % 64 == 2 && common[0])
        count_all(w);
    if (step.bytes % 64 == 3 && flags & PLAY_TUNED)
        tune(step.which, step.which >> 6, flags);
    if (step.bytes % 256 == 6 && !(flags & PLAY_CHILD))
        write_info();
}

void step_play(struct worker *w, const uint8_t *at, unsigned flags)
{
    /* Small sizes in all detail, large ones coarser and rarer, up to 8 MiB. */
    static const uint8_t shift[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 12};
    unsigned size = at[2] | (unsigned)at[3] << 8;
    struct step step = {at[0], at[1], (size_t)(size & 2047) << shift[size >> 11]};
    struct slot *s = &w->slot[step.which % SLOTS];
    if (w->live + step.bytes > LIVE_MOST)
        step.bytes %= 4096;
    switch (step.what % 8) {
    case 0:
    case 1:
        step.what = (uint8_t)(step.what >> 3 | step.which << 5);
        allocate(w, s, step);
        break;
    case 2:
        step.what = 7;
        allocate(w, s, step);
        break;
    case 3:
        slot_free(w, s, step.what >> 3);
        break;
    case 4:
        resize(w, s, step);
        break;
    case 5:
        slot_swap(w, s, step.bytes % SHARED);
        break;
    case 6:
        all_slots(w, step);
        break;
    default:
        look(w, s, step, flags);
    }
}
