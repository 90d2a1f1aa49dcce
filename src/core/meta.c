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
    size_t header = align_up(sizeof(struct meta_region), (size_t)1 << META_SPARE_LOG2);
    size_t total = align_up(size + header, os_page_size());
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
    meta.bump = (char *)region + header;
    meta.end = (char *)region + total;
    return true;
}

static bool meta_is_spare(unsigned class)
{
    return class == META_SPARE_LOG2;
}

/* Cuts a page that was given back into blocks again. Lock held. */
static void meta_reuse_page(void)
{
    size_t page = os_page_size();
    struct meta_region *r = meta.regions;
    while (r != NULL && r->spare == 0)
        r = r->next;
    if (r == NULL)
        return;
    unsigned at = count_trailing_zeros(r->spare);
    r->spare &= r->spare - 1;
    meta.spare_pages--;
    for (size_t i = 0; i < page; i += (size_t)1 << META_SPARE_LOG2) {
        struct meta_block *block = (void *)((char *)r + at * page + i);
        block->next = meta.free[META_SPARE_LOG2];
        meta.free[META_SPARE_LOG2] = block;
        meta.spares++;
    }
}

/* From the free list or the bump region; *zeroed tells which. Lock held. */
static void *meta_pick(unsigned class, bool *zeroed)
{
    size_t size = (size_t)1 << class;
    if (meta_is_spare(class) && meta.free[class] == NULL && meta.spare_pages != 0)
        meta_reuse_page();
    struct meta_block *block = meta.free[class];
    *zeroed = block == NULL;
    if (block != NULL) {
        meta.free[class] = block->next;
        meta.spares -= meta_is_spare(class);
    } else {
        if (meta_is_spare(class)) /* each in one page */
            meta.bump = (char *)align_up((uintptr_t)meta.bump, size);
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
    size_t count = 1;
    for (; last->next != NULL; last = last->next)
        count++;
    meta.used -= count << class;
    if (meta_is_spare(class))
        meta.spares += count;
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

/* The counter of a block's page; *near is the region that was looked at last. NULL: a block
 * that a fork in a signal handler had mapped alone. */
static uint16_t *meta_idle_of(struct meta_region **near, const void *block)
{
    struct meta_region *r = *near;
    if (r == NULL || (uintptr_t)block - (uintptr_t)r >= r->size) {
        r = meta.regions;
        while (r != NULL && (uintptr_t)block - (uintptr_t)r >= r->size)
            r = r->next;
        if (r == NULL)
            return NULL;
        *near = r;
    }
    return &r->idle[((uintptr_t)block - (uintptr_t)r) / os_page_size()];
}

/* Takes what lies in wholly idle pages out of the list. Lock held. */
static void meta_take_pages(void)
{
    const size_t full = os_page_size() >> META_SPARE_LOG2;
    struct meta_block **link = &meta.free[META_SPARE_LOG2], *block;
    struct meta_region *near = NULL;
    for (struct meta_region *r = meta.regions; r != NULL; r = r->next)
        memset(r->idle, 0, sizeof r->idle);
    for (block = *link; block != NULL; block = block->next) {
        uint16_t *count = meta_idle_of(&near, block);
        if (count != NULL)
            ++*count;
    }
    while ((block = *link) != NULL) {
        const uint16_t *idle = meta_idle_of(&near, block);
        if (idle != NULL && *idle == full) {
            *link = block->next;
            meta.spares--;
        } else {
            link = &block->next;
        }
    }
}

/* Gives the pages of a region that were taken out back; the lock is not held meanwhile. */
static void meta_purge(struct meta_region *r)
{
    const size_t page = os_page_size(), full = page >> META_SPARE_LOG2;
    struct os_range range[META_PAGES];
    unsigned ranges = 0;
    uint64_t spare = 0;
    for (unsigned i = 0, next; i < META_PAGES; i = next + 1) {
        for (next = i; next < META_PAGES && r->idle[next] == full; next++)
            spare |= 1ULL << next;
        if (next != i)
            range[ranges++] =
                (struct os_range){(char *)r + i * page, (next - i) * page};
    }
    if (ranges == 0)
        return;
    os_purge(range, ranges, false); /* what is refused is only as it was */
    lock_take(&meta.lock);
    r->spare |= spare;
    for (; spare != 0; spare &= spare - 1)
        meta.spare_pages++;
    lock_give(&meta.lock);
}

void meta_trim(bool all)
{
    if (UNLIKELY(!lock_take_or_leave(&meta.lock)))
        return;
    size_t most = all ? 0 : max_size(meta.spares_most, META_SPARES);
    bool due = meta.spares > most && !meta.trimming;
    struct meta_region *r = meta.regions;
    if (due) {
        meta.trimming = true;
        meta_take_pages();
        meta.spares_most = meta.spares + META_SPARES;
    }
    lock_give(&meta.lock);
    if (!due)
        return;
    for (; r != NULL; r = r->next)
        meta_purge(r);
    lock_take(&meta.lock);
    meta.trimming = false;
    lock_give(&meta.lock);
}
