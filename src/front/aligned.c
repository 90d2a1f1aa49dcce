/* aligned_alloc, memalign, posix_memalign, valloc, pvalloc. No state. */
#include "base/check.h"
#include "chunky.h"
#include "core/mapped.h"
#include "front/cache.h"
#include "front/checked.h"
#include "front/malloc.h"
#include "front/options.h"
#include "front/supply.h"
#include "front/thread.h"
#include "front/upkeep.h"
#include "os/os.h"

#include <errno.h>

/* What was freed was often asked for with the same alignment. */
static ALWAYS_INLINE void *aligned_from_cache(struct cache *k, size_t align,
                                              unsigned class)
{
    void *mem = cache_take_aligned(k, class, align);
    if (mem != NULL)
        chunk_flip(chunk_of(mem));
    return mem;
}

static void *aligned_from_arena(size_t align, size_t bytes)
{
    struct cache *k = thread_cache();
    size_t size = chunk_size_for(bytes);
    if (k != NULL && size <= CLASS_LARGE_SIZE) {
        unsigned class = class_ceiling(size);
        /* Else aligned_hit has looked. */
        void *mem = thread_is_slow() ? aligned_from_cache(k, align, class) : NULL;
        if (mem != NULL)
            return mem;
        mem = cache_fill_aligned(k, class, align);
        if (mem != NULL) {
            chunk_flip(chunk_of(mem));
            return mem;
        }
        size = class_sizes[class];
    }
    struct chunk *c = supply_take(size, align, NULL);
    if (c == NULL)
        return NULL;
    chunk_flip(c);
    return mem_of(c);
}

static void *aligned_from_mapping(size_t align, size_t bytes)
{
    bool zeroed;
    supply_yield(bytes);
    struct chunk *c = mapped_take(bytes, align, &tune, &zeroed);
    return c == NULL ? NULL : mem_of(c);
}

/* Whichever suits the size, else the other. */
static void *aligned_from_any(size_t align, size_t bytes)
{
    bool large = bytes + align >= tune.mmap_threshold && mapped_has_room(&tune);
    void *mem =
        large ? aligned_from_mapping(align, bytes) : aligned_from_arena(align, bytes);
    if (mem != NULL)
        return mem;
    return large ? aligned_from_arena(align, bytes)
                 : aligned_from_mapping(align, bytes);
}

/* One out of the cache while nothing is checked, or NULL: as malloc's hit path. */
static ALWAYS_INLINE void *aligned_hit(size_t align, size_t bytes)
{
    size_t size = chunk_size_for(bytes);
    if (thread_hot == &cache_dummy || size > CLASS_LARGE_SIZE ||
        bytes + align >= tune.mmap_threshold)
        return NULL;
    return aligned_from_cache(thread_hot, align, class_ceiling(size));
}

/* align is a power of two. */
static void *aligned_take(size_t align, size_t bytes)
{
    size_t room;
    if (align <= CHUNK_ALIGN)
        return chunky_malloc(bytes);
    if (add_overflows(bytes, align, &room) || room > PTRDIFF_MAX - 65536) {
        errno = ENOMEM;
        return NULL;
    }
    void *mem = aligned_hit(align, bytes);
    if (mem != NULL)
        return mem;
    int saved = errno;
    thread_cache();
    thread_start_process();
    mem = UNLIKELY(thread_is_checked()) ? checked_guarded(align, bytes, FAMILY_MALLOC)
                                        : NULL;
    if (mem != NULL) {
        checked_perturb(mem, bytes);
        return mem;
    }
    upkeep();
    size_t need = checked_room(bytes);
    mem = aligned_from_any(align, need);
    if (UNLIKELY(mem == NULL) && supply_reclaim(room))
        mem = aligned_from_any(align, need);
    if (mem != NULL && UNLIKELY(thread_is_slow())) {
        checked_perturb(mem, bytes);
        checked_record(chunk_of(mem), bytes, FAMILY_MALLOC);
    }
    if (mem != NULL)
        errno = saved;
    AUDIT_ALL();
    return mem;
}

PUBLIC void *chunky_memalign(size_t align, size_t bytes)
{
    if (!is_power_of_two(align)) {
        if (align > SIZE_MAX / 2 + 1) {
            errno = EINVAL;
            return NULL;
        }
        align = align <= 1 ? 1 : (size_t)1 << (log2_floor(align - 1) + 1);
    }
    return aligned_take(align, bytes);
}

PUBLIC void *chunky_aligned_alloc(size_t align, size_t bytes)
{
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return aligned_take(align, bytes);
}

PUBLIC int chunky_posix_memalign(void **out, size_t align, size_t bytes)
{
    if (!is_power_of_two(align) || align % sizeof(void *) != 0)
        return EINVAL;
    int saved = errno;
    void *mem = aligned_take(align, bytes);
    errno = saved;
    if (mem == NULL)
        return ENOMEM;
    *out = mem;
    return 0;
}

PUBLIC void *chunky_valloc(size_t bytes)
{
    thread_start_process();
    return aligned_take(os_page_size(), bytes);
}

PUBLIC void *chunky_pvalloc(size_t bytes)
{
    thread_start_process();
    size_t page = os_page_size();
    if (bytes > PTRDIFF_MAX - page) {
        errno = ENOMEM;
        return NULL;
    }
    return aligned_take(page, align_up(bytes, page));
}
