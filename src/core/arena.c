/*
 * The list of arenas, their locks, and which one a thread gets. State: the main arena,
 * the list and its lock (rank ARENAS). Notes: docs/notes/arenas.md
 */
#include "core/arena.h"

#include "base/check.h"
#include "core/meta.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

struct arena arena_main;

static struct lock arena_list_lock = LOCK_INIT(RANK_ARENAS);
static struct arena *arena_last = &arena_main; /* of the list */
static struct arena *arena_unused;   /* named ones that were destroyed; by `unused` */
static _Atomic unsigned arena_total; /* that threads may choose */
static unsigned arena_listed;        /* all; the next one's index */
static _Atomic unsigned arena_limit; /* 0: not computed yet */

static void arena_setup(struct arena *a, const struct tune *t, unsigned index)
{
    lock_init(&a->lock, RANK_ARENA);
    a->tune = t;
    a->index = index;
    a->flags = index == 0 ? 0 : NON_MAIN_ARENA;
}

void arena_init(const struct tune *t)
{
    arena_setup(&arena_main, t, 0);
    arena_listed = 1;
    atomic_store_explicit(&arena_total, 1, memory_order_relaxed);
}

unsigned arena_count(void)
{
    return atomic_load_explicit(&arena_total, memory_order_relaxed);
}

struct arena *arena_of(const void *mem)
{
    if (heap_in_break(mem))
        return &arena_main;
    const struct heap *h = heap_of_spanned(mem);
    GUARD(h->seal == heap_seal(h), "corrupted heap: its owner was overwritten", mem);
    return h->arena;
}

struct heap *arena_next_heap(const struct arena *a, const struct heap *h,
                             unsigned *seen)
{
    struct heap *next = h == NULL ? a->heaps : h->next;
    bool right = next == NULL ? *seen == a->heap_count
                              : ++*seen <= a->heap_count && next->arena == a &&
                                    next->seal == heap_seal(next);
    GUARD(right, "corrupted heap: link to the next one", h);
    return next;
}

bool arena_holds(const struct arena *a, const struct chunk *c)
{
    if (heap_in_break(c))
        return a == &arena_main;
    const struct heap *h = heap_of_spanned(c), *own = NULL;
    unsigned seen = 0;
    if ((chunk_bits(c) & NON_MAIN_ARENA) != a->flags)
        return false;
    if (a->flags != 0) /* only what lies in a spanned heap has the flag */
        return h->arena == a && h->seal == heap_seal(h);
    /* The main arena's, while the break is refused: there need not be a heap. */
    while ((own = arena_next_heap(a, own, &seen)) != NULL && own != h)
        ;
    return own == h;
}

static const char arena_corrupted[] =
    "corrupted header: overwritten while its block is freed or resized";

size_t arena_usable_again(const struct chunk *c, size_t least)
{
    uint64_t word = chunk_word_if_live(&heap_keys, c);
    size_t size = (size_t)(word & ~(uint64_t)CHUNK_FLAGS);
    size_t over = (word & IS_MMAPPED) != 0 ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD;
    GUARD(size >= over && size - over >= least, arena_corrupted, mem_of(c));
    return size - over;
}

size_t arena_size_again(const struct chunk *c, size_t least, size_t most)
{
    size_t size = chunk_size_if_live(&heap_keys, c);
    GUARD(size >= least && size <= most, arena_corrupted, mem_of(c));
    return size;
}

static void arena_enter(struct arena *a)
{
    step_word(&a->generation);
    a->counts.visits++;
}

void arena_lock(struct arena *a)
{
    if (!lock_try(&a->lock)) {
        lock_take(&a->lock);
        a->counts.contended++;
    }
    arena_enter(a);
}

bool arena_try(struct arena *a)
{
    if (!lock_try(&a->lock))
        return false;
    arena_enter(a);
    return true;
}

void arena_unlock(struct arena *a)
{
    step_word(&a->generation);
    lock_give(&a->lock);
}

/* Those that threads may choose come first, however many named heaps there are: a search
 * for one ends at the first that is not. List lock held. */
static void arena_link(struct arena *a)
{
    struct arena *before = arena_is_shared(a) ? &arena_main : arena_last;
    arena_listed++;
    atomic_store_explicit(&a->next, arena_next(before), memory_order_relaxed);
    atomic_store_explicit(&before->next, a, memory_order_release);
    if (before == arena_last)
        arena_last = a;
}

static bool arena_may_create(const struct tune *t)
{
    unsigned count = arena_count();
    if (t->arena_max != 0)
        return count < t->arena_max;
    if (count < t->arena_test)
        return true;
    unsigned limit = atomic_load_explicit(&arena_limit, memory_order_relaxed);
    if (limit == 0) {
        limit = 2 * os_cpus();
        atomic_store_explicit(&arena_limit, limit, memory_order_relaxed);
    }
    return count < limit;
}

static struct arena *arena_create(const struct tune *t, bool forced)
{
    struct arena *a = NULL;
    lock_take(&arena_list_lock);
    if (forced || arena_may_create(t))
        a = meta_take(sizeof *a);
    if (a != NULL) {
        arena_setup(a, t, arena_listed);
        arena_lock(a);
        arena_link(a);
        atomic_fetch_add_explicit(&arena_total, 1, memory_order_relaxed);
    }
    lock_give(&arena_list_lock);
    return a;
}

struct arena *arena_choose(struct arena *busy)
{
    int saved = errno;
    for (struct arena *a = &arena_main; a != NULL && arena_is_shared(a);
         a = arena_next(a))
        if (arena_try(a))
            return a;
    /* Its own lock, out of a signal handler: waiting would be for ever. */
    bool forced = lock_is_mine(&busy->lock);
    struct arena *a = forced || arena_may_create(busy->tune)
                          ? arena_create(busy->tune, forced)
                          : NULL;
    errno = saved;
    if (a != NULL)
        return a;
    arena_lock(busy);
    return busy;
}

struct arena *arena_least(void)
{
    struct arena *least = &arena_main;
    for (struct arena *a = &arena_main; a != NULL && arena_is_shared(a);
         a = arena_next(a))
        if (atomic_load_explicit(&a->threads, memory_order_relaxed) <
            atomic_load_explicit(&least->threads, memory_order_relaxed))
            least = a;
    return least;
}

struct arena *arena_create_named(const struct tune *t, const char *name)
{
    lock_take(&arena_list_lock);
    struct arena *a = arena_unused;
    if (a != NULL) {
        arena_unused = a->unused;
        a->unused = NULL;
    } else if ((a = meta_take(sizeof *a)) != NULL) {
        arena_setup(a, t, arena_listed);
        a->kind = ARENA_UNUSED;
        arena_link(a);
    }
    if (a != NULL) {
        size_t length = min_size(strlen(name), ARENA_NAME - 1);
        memcpy(a->name, name, length);
        a->kind = ARENA_NAMED;
    }
    lock_give(&arena_list_lock);
    return a;
}

void arena_destroy_named(struct arena *a)
{
    arena_lock(a);
    /* Somebody who trims the process may have chunks of it in his hands. */
    while (a->purging != 0) {
        arena_unlock(a);
        cpu_relax();
        arena_lock(a);
    }
    while (a->heaps != NULL) {
        struct heap *h = a->heaps;
        GUARD(h->arena == a && h->seal == heap_seal(h) && heap_is_bounded(h),
              "corrupted heap: link to the next one, or bounds", h);
        a->heaps = h->next;
        /* The page that stays would show old headers to a late free. */
        size_t page =
            align_up((uintptr_t)h->first, os_page_size()) - (uintptr_t)h->first;
        memset(h->first, 0, min_size(page, h->end - (uintptr_t)h->first));
        heap_destroy(h);
    }
    tally_end(&a->depot.tally);
    /* The kind says at every moment that no thread may choose it. */
    a->kind = ARENA_UNUSED;
    memset(&a->heaps, 0, offsetof(struct arena, kind) - offsetof(struct arena, heaps));
    memset(a->name, 0, sizeof a->name);
    a->limit = 0;
    a->used = 0;
    a->blocks = 0;
    arena_unlock(a);
    lock_take(&arena_list_lock);
    a->unused = arena_unused;
    arena_unused = a;
    lock_give(&arena_list_lock);
}

static struct arena *arena_kept; /* locked by the code that the fork interrupted */

void arena_lock_all(void)
{
    arena_kept = NULL;
    lock_take(&arena_list_lock);
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a)) {
        if (lock_is_mine(&a->lock))
            arena_kept = a;
        else
            arena_lock(a);
    }
}

void arena_forget_purges(void)
{
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a))
        a->purging = 0;
    meta.trimming = false;
}

void arena_unlock_all(void)
{
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a))
        if (a != arena_kept)
            arena_unlock(a);
    lock_give(&arena_list_lock);
}
