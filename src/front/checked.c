/*
 * Recorded requests and fill bytes; see checked.h. No state. The slack is the last
 * usable byte, or, when that says 255, the eight bytes before it.
 */
#include "front/checked.h"

#include "base/check.h"
#include "front/malloc.h"
#include "front/options.h"
#include "front/thread.h"

#include <string.h>

enum { SLACK_WIDE = 255 };

/* Rewrites the header word of a live chunk with other flags. The lock makes it the only
 * writer: a neighbour may be flipping P. Mapped chunks have no neighbours. */
static void checked_set_flags(struct chunk *c, uint32_t flags)
{
    struct arena *a = chunk_is_mapped(c) ? NULL : arena_of(mem_of(c));
    if (a != NULL)
        arena_lock(a);
    uint32_t kept = chunk_bits(c) & (PREV_INUSE | NON_MAIN_ARENA | IS_MMAPPED);
    chunk_set_idle(&heap_keys, c, chunk_size(c), kept | flags);
    chunk_flip(c);
    if (a != NULL)
        arena_unlock(a);
}

size_t checked_request(const struct chunk *c)
{
    size_t usable = chunk_usable(c);
    if ((chunk_bits(c) & HAS_REQUEST) == 0)
        return usable;
    const unsigned char *end = (const unsigned char *)mem_of(c) + usable;
    uint64_t slack = end[-1];
    if (slack == SLACK_WIDE)
        memcpy(&slack, end - 9, sizeof slack);
    return slack > usable ? usable : usable - (size_t)slack;
}

void checked_record(struct chunk *c, size_t bytes)
{
    size_t usable = chunk_usable(c), slack = usable - bytes;
    unsigned char *end = (unsigned char *)mem_of(c) + usable;
    if (tune.request == 0 || slack == 0)
        return;
    if (slack >= SLACK_WIDE) {
        uint64_t wide = slack;
        memcpy(end - 9, &wide, sizeof wide);
        end[-1] = SLACK_WIDE;
    } else {
        end[-1] = (unsigned char)slack;
    }
    checked_set_flags(c, HAS_REQUEST);
}

void checked_forget(struct chunk *c)
{
    if ((chunk_bits(c) & HAS_REQUEST) != 0)
        checked_set_flags(c, 0);
}

void *checked_malloc(size_t bytes)
{
    void *mem = malloc_plain(thread_cache(), bytes, NULL);
    if (mem == NULL)
        return NULL;
    if (tune.perturb != 0)
        memset(mem, (int)(tune.perturb ^ 0xff), bytes);
    checked_record(chunk_of(mem), bytes);
    return mem;
}

void checked_free(struct chunk *c)
{
    if (tune.perturb != 0)
        memset(mem_of(c), (int)tune.perturb, checked_request(c));
    checked_forget(c);
    free_verified(c);
}

void checked_sized(const void *mem, size_t bytes, size_t align)
{
    const struct chunk *c = malloc_verify(mem, "free_sized");
    bool recorded = (chunk_bits(c) & HAS_REQUEST) != 0;
    size_t have = checked_request(c);
    bool fits = recorded ? bytes == have
                         : bytes <= have && chunk_size_for(bytes) + CLASS_MAX_SIZE / 16 >=
                                                chunk_size(c);
    GUARD(fits, "free_sized: the size is not the one that was asked for", mem);
    GUARD(align == 0 || ((uintptr_t)mem & (align - 1)) == 0,
          "free_aligned_sized: the block is not aligned like this", mem);
}
