/* realloc and reallocarray: in place if possible, else move. No state. */
#include "base/check.h"
#include "chunky.h"
#include "core/mapped.h"
#include "core/trace.h"
#include "front/checked.h"
#include "front/malloc.h"
#include "front/named.h"
#include "front/options.h"
#include "front/supply.h"
#include "front/thread.h"

#include <errno.h>
#include <string.h>

enum { SPLIT_MIN = 512 }; /* a smaller rest of a cached-class block is not split off */

/* New block, copy, free. The old one stays when there is no memory. */
static void *realloc_move(struct chunk *c, size_t old_bytes, size_t bytes)
{
    void *mem = chunky_malloc(bytes);
    if (mem == NULL)
        return NULL;
    memcpy(mem, mem_of(c), min_size(old_bytes, bytes));
    trace(TRACE_MOVE, min_size(old_bytes, bytes));
    chunky_free(mem_of(c));
    return mem;
}

/* NULL: it stays as it was. */
static struct chunk *realloc_remap(struct chunk *c, size_t bytes)
{
    size_t usable = chunk_usable(c);
    if (bytes > usable)
        supply_yield(bytes - usable);
    return mapped_resize(c, bytes);
}

static void *realloc_mapped(struct chunk *c, size_t bytes)
{
    size_t usable = arena_usable_again(c, 0);
    /* Far below the threshold it belongs into a heap. */
    void *mem = bytes < tune.mmap_threshold / 2 ? realloc_move(c, usable, bytes) : NULL;
    if (mem != NULL)
        return mem;
    struct chunk *moved = realloc_remap(c, bytes);
    if (moved != NULL)
        return mem_of(moved);
    return bytes <= usable ? mem_of(c) : realloc_move(c, usable, bytes);
}

static bool realloc_grow_in_place(struct chunk *c, size_t size)
{
    struct arena *a = arena_of(mem_of(c));
    if (!arena_may_extend(a, c, size))
        return false;
    if (a != thread_arena()) {
        if (!arena_try(a))
            return false;
    } else {
        arena_lock(a);
    }
    bool grown = arena_extend(a, c, size);
    arena_settle(a);
    arena_unlock(a);
    return grown;
}

static void realloc_shrink_in_place(struct chunk *c, size_t size)
{
    struct arena *a = arena_of(mem_of(c));
    arena_lock(a);
    arena_shrink(a, c, size);
    arena_settle(a);
    arena_unlock(a);
}

/* Size to ask for when a block grows: a class, so that its free meets its malloc. */
static size_t realloc_size(size_t bytes)
{
    size_t size = chunk_size_for(bytes);
    return size <= CLASS_MAX_SIZE && tune.cache_bytes != 0
               ? class_sizes[class_ceiling(size)]
               : size;
}

/* True when a block of `have` may serve a request for `size` without being cut. */
static bool realloc_fits(size_t have, size_t size)
{
    if (have <= CLASS_MAX_SIZE && tune.cache_bytes != 0)
        return have - size < SPLIT_MIN || have - size < have / 4;
    return have - size < CHUNK_MIN;
}

/* Size of a block of the heap. Its header was verified, but what was read then is not known
 * here, and who can write to it would have a block stay where it has no room. */
static size_t realloc_have(const struct chunk *c)
{
    return arena_usable_again(c, 0) + CHUNK_OVERHEAD;
}

static void *realloc_heap(struct chunk *c, size_t bytes)
{
    size_t have = realloc_have(c), size = realloc_size(bytes);
    if (size <= have) {
        if (!realloc_fits(have, size)) {
            /* Small blocks move to their own class; large ones are cut. */
            if (size <= CLASS_MAX_SIZE && tune.cache_bytes != 0 && size < have / 2) {
                int saved = errno;
                void *mem = realloc_move(c, bytes, bytes);
                if (mem != NULL)
                    return mem;
                errno = saved;
            }
            trace(TRACE_SHRINK, have - size);
            realloc_shrink_in_place(c, size);
        } else {
            trace(TRACE_FITS, have);
        }
        return mem_of(c);
    }
    /* Tiny blocks are cheaper to move between caches than to grow under a lock. */
    if (have > LARGE_MIN || tune.cache_bytes == 0)
        if (realloc_grow_in_place(c, size))
            return mem_of(c);
    return realloc_move(c, have - CHUNK_OVERHEAD, bytes);
}

struct chunk *realloc_resize(struct chunk *c, size_t bytes)
{
    if (chunk_is_mapped(c))
        return bytes < tune.mmap_threshold / 2 ? NULL : realloc_remap(c, bytes);
    size_t have = realloc_have(c), size = realloc_size(bytes);
    if (have <= LARGE_MIN || (size <= have && size <= CLASS_MAX_SIZE))
        return NULL;
    if (size > have)
        return realloc_grow_in_place(c, size) ? c : NULL;
    realloc_shrink_in_place(c, size);
    return c;
}

void *realloc_plain(struct chunk *c, size_t bytes)
{
    return chunk_is_mapped(c) ? realloc_mapped(c, bytes) : realloc_heap(c, bytes);
}

/* A block that free would put into its cache, for fewer bytes or from a small one. NULL
 * when that is not so, or there is no memory. */
static ALWAYS_INLINE void *realloc_hit(void *mem, size_t bytes)
{
    size_t have;
    if (bytes > CLASS_MAX_BYTES || !malloc_is_plain(mem, &have, "realloc"))
        return NULL;
    size_t size = realloc_size(bytes);
    if (size <= have && realloc_fits(have, size)) {
        trace(TRACE_FITS, have);
        return mem;
    }
    return size > have && have <= LARGE_MIN
               ? realloc_move(chunk_of(mem), have - CHUNK_OVERHEAD, bytes)
               : NULL;
}

PUBLIC void *chunky_realloc(void *mem, size_t bytes)
{
    if (mem == NULL)
        return chunky_malloc(bytes);
    if (bytes == 0) {
        chunky_free(mem);
        return NULL;
    }
    if (bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    int saved = errno;
    void *hit =
        checked_hits != 0 ? checked_realloc_hit(mem, bytes) : realloc_hit(mem, bytes);
    if (hit != NULL) {
        errno = saved;
        return hit;
    }
    struct chunk *c = malloc_verify(mem, "realloc");
    if (UNLIKELY(c == NULL)) {
        errno = ENOMEM;
        return NULL;
    }
    struct arena *named = named_of(c);
    void *result = UNLIKELY(named != NULL)         ? named_realloc(named, c, bytes)
                   : UNLIKELY(thread_is_checked()) ? checked_realloc(c, bytes)
                                                   : realloc_plain(c, bytes);
    if (result != NULL)
        errno = saved;
    AUDIT_ALL();
    return result;
}

PUBLIC void *chunky_reallocarray(void *mem, size_t count, size_t each)
{
    size_t bytes;
    if (multiply_overflows(count, each, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return chunky_realloc(mem, bytes);
}
