/* Metadata memory; see meta.h. Power-of-two blocks cut from large mappings. */
#include "core/meta.h"

#include "base/bits.h"
#include "base/check.h"
#include "core/limit.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

struct meta meta = {.lock = LOCK_INIT(RANK_META)};

static unsigned meta_class(size_t bytes)
{
    unsigned log2 = bytes <= 1 ? 0 : log2_floor(bytes - 1) + 1;
    return log2 < META_MIN_LOG2 ? META_MIN_LOG2 : log2;
}

/* A mapping between two pages that nobody can touch: the kernel puts mapped blocks right
 * beside it, and whatever overflows them. NULL and ENOMEM on failure. */
static void *meta_map(size_t size)
{
    size_t page = os_page_size();
    char *start = os_reserve_aligned(size + 2 * page, page);
    if (start == NULL)
        return NULL;
    if (os_commit(start + page, size))
        return start + page;
    os_unmap(start, size + 2 * page);
    errno = ENOMEM;
    return NULL;
}

static void meta_unmap(void *block, size_t size)
{
    size_t page = os_page_size();
    os_unmap((char *)block - page, size + 2 * page);
}

/* A new region with room for `size` behind its header; lock held. */
static bool meta_grow(size_t size)
{
    size_t total = align_up(size + 64, os_page_size());
    struct meta_region *region = meta_map(max_size(total, META_REGION));
    if (region == NULL && total < META_REGION)
        region = meta_map(total);
    else
        total = max_size(total, META_REGION);
    if (region == NULL)
        return false;
    region->size = total;
    region->next = meta.regions;
    meta.regions = region;
    meta.mapped += total;
    limit_add(total);
    meta.bump = (char *)region + 64;
    meta.end = (char *)region + total;
    return true;
}

/* From the free list or the bump region; *zeroed tells which. Lock held. */
static void *meta_pick(unsigned class, bool *zeroed)
{
    size_t size = (size_t)1 << class;
    struct meta_block *block = meta.free[class];
    *zeroed = block == NULL;
    if (block != NULL) {
        meta.free[class] = block->next;
    } else {
        if ((size_t)(meta.end - meta.bump) < size && !meta_grow(size))
            return NULL;
        block = (struct meta_block *)(void *)meta.bump;
        meta.bump += size;
    }
    meta.used += size;
    return block;
}

void *meta_take_list(size_t bytes, unsigned count)
{
    bool zeroed;
    unsigned class = meta_class(bytes);
    struct meta_block *list = NULL;
    ASSERT(class <= META_MAX_LOG2);
    if (UNLIKELY(!lock_take_or_leave(&meta.lock)))
        return meta_map(align_up((size_t)1 << class, os_page_size()));
    for (unsigned i = 0; i < count; i++) {
        struct meta_block *block = meta_pick(class, &zeroed);
        if (block == NULL)
            break;
        block->next = list;
        list = block;
    }
    lock_give(&meta.lock);
    return list;
}

void meta_give_list(void *list, size_t bytes)
{
    unsigned class = meta_class(bytes);
    if (list == NULL || UNLIKELY(!lock_take_or_leave(&meta.lock)))
        return; /* lost: some 256 bytes for a fork in a signal handler */
    struct meta_block *last = list;
    for (meta.used -= (size_t)1 << class; last->next != NULL; last = last->next)
        meta.used -= (size_t)1 << class;
    last->next = meta.free[class];
    meta.free[class] = list;
    lock_give(&meta.lock);
}

void *meta_take(size_t bytes)
{
    bool zeroed;
    unsigned class = meta_class(bytes);
    if (class > META_MAX_LOG2)
        return meta_map(align_up(bytes, os_page_size()));
    if (UNLIKELY(!lock_take_or_leave(&meta.lock)))
        return meta_map(align_up((size_t)1 << class, os_page_size()));
    void *block = meta_pick(class, &zeroed);
    lock_give(&meta.lock);
    if (block != NULL && !zeroed)
        memset(block, 0, bytes);
    return block;
}

void meta_give(void *block, size_t bytes)
{
    if (meta_class(bytes) > META_MAX_LOG2) {
        meta_unmap(block, align_up(bytes, os_page_size()));
        return;
    }
    ((struct meta_block *)block)->next = NULL;
    meta_give_list(block, bytes);
}
