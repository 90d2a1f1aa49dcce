/*
 * malloc, calloc, free: the hit path on top, what happens off it below. No state.
 * Notes: docs/notes/hot-path.md
 */
#include "front/malloc.h"

#include "base/check.h"
#include "chunky.h"
#include "core/mapped.h"
#include "core/trace.h"
#include "front/cache.h"
#include "front/checked.h"
#include "front/fault.h"
#include "front/guard.h"
#include "front/named.h"
#include "front/options.h"
#include "front/report.h"
#include "front/supply.h"
#include "front/thread.h"
#include "front/upkeep.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

HOT PUBLIC void *chunky_malloc(size_t bytes)
{
    void *mem = malloc_hit(bytes);
    return LIKELY(mem != NULL) ? mem : malloc_slow(bytes);
}

/* A cached block of a class that is not in the tables, or NULL. */
static ALWAYS_INLINE void *malloc_hit_large(size_t bytes)
{
    if (bytes <= CLASS_MAX_BYTES || bytes > CLASS_LARGE_BYTES)
        return NULL;
    size_t size = chunk_size_for(bytes);
    unsigned class = class_ceiling_large(size);
    void *mem = cache_pop_large(thread_hot, class);
    if (mem == NULL)
        mem = cache_pop_fitting(thread_hot, class - 1, size);
    if (mem != NULL)
        chunk_flip(chunk_of(mem));
    return mem;
}

NOINLINE void *malloc_slow(size_t bytes)
{
    if (checked_hits != 0)
        return checked_malloc_plain(bytes);
    return malloc_slow_as(bytes, FAMILY_MALLOC);
}

NOINLINE void *malloc_slow_as(size_t bytes, enum family family)
{
    void *mem = malloc_hit_large(bytes);
    if (mem != NULL)
        return mem;
    if (bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    struct cache *k = thread_cache();
    thread_start_process();
    if (UNLIKELY(thread_is_checked()))
        return checked_malloc_slow(bytes, family, NULL);
    return malloc_plain(k, bytes, NULL);
}

/* A block that passed the check, of a class that is full, or of none: sizes above the
 * tables', and the end of a heap, have the first stack, which nothing ever enters, and
 * zeroes that pass for a header the one before. */
static NOINLINE void free_full(void *mem, struct stack *s)
{
    struct cache *k = thread_own();
    if (UNLIKELY(k == NULL || k != thread_hot || s <= k->stack)) {
        free_slow(mem);
        return;
    }
    int saved = errno;
    chunk_flip(chunk_of(mem));
    cache_flush(k, (unsigned)(s - k->stack), mem);
    AUDIT_ALL();
    upkeep();
    errno = saved;
}

/* Pushes a live block that passed the check. */
static ALWAYS_INLINE void free_push(struct stack *s, void *mem)
{
    void **top = s->top;
    if (UNLIKELY(top == s->limit)) {
        free_full(mem, s);
        return;
    }
    chunk_flip(chunk_of(mem));
    *top = mem;
    advance_slot(&s->top);
}

/* The same for classes that are not exact. What is no header of Chunky's passes once in
 * 65,536: its size may be beyond the map. */
static NOINLINE void free_medium(void *mem, struct cache *k, uint32_t word)
{
    if (UNLIKELY(word >= HOT_MAX + CHUNK_ALIGN))
        free_slow(mem);
    else
        free_push(stack_at(k, class_map[word / CHUNK_ALIGN % CLASS_MAP_SIZE]), mem);
}

HOT PUBLIC void chunky_free(void *mem)
{
    if (UNLIKELY(mem == NULL))
        return;
    struct cache *k = thread_hot;
    uint32_t word = chunk_bits(chunk_of(mem)) & ~(uint32_t)PREV_INUSE;
    OPAQUE(word); /* else it is computed twice */
    uint32_t tag = chunk_hash_plain(k->address_key, k->word_key, mem, word);
    if (UNLIKELY(tag != load_word(&chunk_of(mem)->tag)))
        free_slow(mem);
    else if (UNLIKELY(word > CLASS_EXACT_SIZE + NON_MAIN_ARENA))
        free_medium(mem, k, word);
    else
        free_push(stack_exact(k, word & ~(uint32_t)CHUNK_FLAGS), mem);
}

/* Apart from free_slow, which so needs no frame. */
static NOINLINE void free_late(void *mem)
{
    int saved = errno;
    thread_cache();
    struct chunk *c = malloc_verify(mem, "free");
    if (UNLIKELY(c == NULL))
        return;
    struct arena *named = named_of(c);
    if (UNLIKELY(named != NULL))
        named_free(named, c);
    else if (UNLIKELY(thread_is_checked()))
        checked_free(c, FAMILY_MALLOC);
    else
        free_verified(c);
    upkeep();
    errno = saved;
}

/* Keeps a live block of a class that is not in the tables, if there is room. */
static ALWAYS_INLINE bool free_hit_large(void *mem)
{
    struct chunk *c = chunk_of(mem);
    uint32_t bits = chunk_bits(c);
    size_t size = bits & ~(uint32_t)CHUNK_FLAGS;
    if (size <= CLASS_MAX_SIZE || size > CLASS_LARGE_SIZE ||
        (bits & (IS_MMAPPED | HAS_REQUEST)) != 0 ||
        ((uintptr_t)mem & (CHUNK_ALIGN - 1)) != 0 ||
        !chunk_is_live_small(&heap_keys, c, bits))
        return false;
    return cache_push_large(thread_hot, class_floor_large(size), mem);
}

static NOINLINE void free_unchecked(void *mem)
{
    if (!free_hit_large(mem))
        free_late(mem);
}

/* Without a frame: every free of level 1 comes this way. */
NOINLINE void free_slow(void *mem)
{
    if (checked_hits != 0)
        checked_free_plain(mem);
    else
        free_unchecked(mem);
}

void free_verified(struct chunk *c)
{
    size_t size = arena_size_again(c, CHUNK_HEADER, SIZE_MAX);
    unsigned class = class_floor(size);
    struct cache *k = thread_own();
    chunk_flip(c);
    if (chunk_is_mapped(c)) {
        mapped_give(c, &tune);
        return;
    }
    if (k == NULL || class == CLASS_NONE)
        cache_give_large(c);
    else if (class >= CLASS_LARGE)
        cache_keep_large(k, class, c);
    else
        cache_flush(k, class, mem_of(c));
    AUDIT_ALL();
}

struct chunk *malloc_verify(const void *mem, const char *verb)
{
    struct chunk *c = chunk_of(mem);
    thread_start_process();
    bool checked = thread_is_checked();
    if (UNLIKELY(checked))
        fault_expect(mem, verb);
    if (UNLIKELY(((uintptr_t)mem & (CHUNK_ALIGN - 1)) != 0 ||
                 !chunk_is_live(&heap_keys, c) ||
                 !(chunk_is_mapped(c) || heap_may_hold(c, chunk_size(c))))) {
        report_not_live(mem, verb);
        c = NULL;
    } else if (UNLIKELY(chunk_is_mapped(c)) && !guard_owns(c)) {
        mapped_verify(c);
    }
    if (UNLIKELY(checked))
        fault_relax();
    return c;
}

static void *malloc_mapped(size_t bytes, struct malloc_zero *zero)
{
    bool zeroed;
    supply_yield(bytes);
    struct chunk *c = mapped_take(bytes, CHUNK_ALIGN, &tune, &zeroed);
    if (c == NULL)
        return NULL;
    if (zero != NULL && zeroed) {
        zero->from = (uintptr_t)mem_of(c);
        zero->to = SIZE_MAX;
    }
    return mem_of(c);
}

/* A free chunk that is resident, else fresh pages; those at once where zeroes are wanted. */
static void *malloc_direct(size_t bytes, struct malloc_zero *zero)
{
    struct chunk *c = zero == NULL ? supply_take_hole(chunk_size_for(bytes)) : NULL;
    if (c == NULL)
        return malloc_mapped(bytes, zero);
    chunk_flip(c);
    return mem_of(c);
}

/* From an arena or the system: whichever suits the size, else the other. */
static void *malloc_uncached(size_t bytes, struct malloc_zero *zero)
{
    bool direct = bytes >= tune.mmap_threshold && mapped_has_room(&tune);
    void *mem = direct ? malloc_direct(bytes, zero) : NULL;
    if (mem != NULL)
        return mem;
    struct clean clean = {0, 0};
    struct chunk *c = supply_take(chunk_size_for(bytes), CHUNK_ALIGN, &clean);
    if (c == NULL)
        return direct ? NULL : malloc_mapped(bytes, zero);
    chunk_flip(c);
    if (zero != NULL) {
        zero->from = clean.from;
        zero->to = clean.to;
    }
    return mem_of(c);
}

/* Pops before it fills: with checks on, and for odd callocs, no hit path has looked. */
static void *malloc_cached(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    void *mem = s->top[-1];
    if (mem == NULL)
        return cache_fill(k, class);
    trace(TRACE_CACHE_HIT, class_sizes[class]);
    s->top--;
    return mem;
}

static void *malloc_any(struct cache *k, size_t bytes, struct malloc_zero *zero)
{
    void *mem = NULL;
    size_t size = chunk_size_for(bytes);
    if (k != NULL && bytes <= CLASS_MAX_BYTES)
        mem = malloc_cached(k, class_ceiling(size));
    else if (k != NULL && size <= CLASS_LARGE_SIZE && bytes < tune.mmap_threshold)
        mem = cache_take_large(k, class_ceiling(size));
    if (mem != NULL) {
        chunk_flip(chunk_of(mem));
        return mem;
    }
    mem = malloc_uncached(bytes, zero);
    if (UNLIKELY(mem == NULL) && supply_reclaim(bytes))
        mem = malloc_uncached(bytes, zero);
    return mem;
}

void *malloc_plain(struct cache *k, size_t bytes, struct malloc_zero *zero)
{
    int saved = errno; /* what failed on the way is nobody's business */
    upkeep();
    void *mem = malloc_any(k, bytes, zero);
    if (mem != NULL)
        errno = saved;
    AUDIT_ALL();
    return mem;
}

/* Clears what is not known to be zero. */
static void calloc_clear(char *mem, size_t bytes, const struct malloc_zero *zero)
{
    uintptr_t start = (uintptr_t)mem, end = start + bytes;
    uintptr_t from = clamp_size(zero->from, start, end);
    uintptr_t to = clamp_size(zero->to, from, end);
    if (zero->to <= zero->from)
        from = to = start;
    memset(mem, 0, from - start);
    memset((void *)to, 0, end - to);
}

static NOINLINE void *calloc_slow(size_t count, size_t each)
{
    size_t bytes;
    if (multiply_overflows(count, each, &bytes) || bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    struct cache *k = thread_cache();
    thread_start_process();
    struct malloc_zero zero = {0, 0};
    void *mem = checked_hits != 0 ? checked_malloc(bytes, FAMILY_MALLOC, &zero)
                : UNLIKELY(thread_is_checked())
                    ? checked_malloc_slow(bytes, FAMILY_MALLOC, &zero)
                    : malloc_plain(k, bytes, &zero);
    if (mem != NULL)
        calloc_clear(mem, bytes, &zero);
    return mem;
}

HOT PUBLIC void *chunky_calloc(size_t count, size_t each)
{
    if (UNLIKELY((count | each) > UINT32_MAX))
        return calloc_slow(count, each);
    size_t bytes = count * each;
    void *mem = malloc_hit(bytes);
    return LIKELY(mem != NULL) ? memset(mem, 0, bytes) : calloc_slow(count, each);
}
