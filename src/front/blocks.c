/* Visiting live blocks: of a named heap, or of the whole process. No state. An arena is
 * locked while its blocks are shown; a mapped block is shown under no lock. */
#include "base/check.h"
#include "chunky.h"
#include "core/mapped.h"
#include "front/canary.h"
#include "front/checked.h"
#include "front/guard.h"
#include "front/named.h"
#include "front/thread.h"
#include "os/os.h"

struct blocks {
    chunky_block_fn *visit;
    void *context;
};

/* Bytes at `from` of a block, `copy` or where they stand: a mapped one may be moved or given
 * back by another thread any moment. NULL: it is gone. */
static const unsigned char *blocks_bytes(const struct chunk *head, const void *from,
                                         unsigned char *copy, size_t bytes)
{
    if (!chunk_is_mapped(head))
        return from;
    return os_peek(from, copy, bytes) == bytes ? copy : NULL;
}

/* Whether keyed bytes bear the record of a slack out. */
static bool blocks_is_backed(const struct chunk *head, const unsigned char *mem,
                             size_t usable, size_t slack)
{
    unsigned char copy[CANARY_MOST];
    if (!canary_can_be(slack, usable))
        return false;
    const unsigned char *at =
        blocks_bytes(head, mem + usable - slack, copy, canary_length(slack));
    return at != NULL &&
           canary_is_backed(at, slack, usable, canary_hash_of(mem, chunk_bits(head)));
}

/* `head` is the header, or a copy of it; `mem` the block that it stands before. A record
 * that was overwritten says nothing. */
static size_t blocks_asked(const struct chunk *head, const unsigned char *mem,
                           size_t usable)
{
    unsigned char copy[CANARY_TAIL];
    if (checked_level == 0 && (chunk_bits(head) & HAS_REQUEST) == 0)
        return usable;
    const unsigned char *tail =
        blocks_bytes(head, mem + usable - CANARY_TAIL, copy, CANARY_TAIL);
    if (tail == NULL)
        return usable;
    size_t slack = canary_slack(tail);
    bool is_known = checked_level == 0 ? slack <= usable
                                       : blocks_is_backed(head, mem, usable, slack);
    return is_known ? usable - slack : usable;
}

/* Of a copy: whether it is the header of a live mapped block at `mem`. */
static bool blocks_is_mapped(const struct chunk *head, const void *mem)
{
    uint64_t word = chunk_head(head);
    uint32_t tag = chunk_tag(&heap_keys, mem, word & WORD_MASK);
    return (((uint32_t)(word >> 32) ^ tag) & CHECK_MASK) == 0 && chunk_is_mapped(head);
}

static int blocks_show(const struct blocks *b, const struct chunk *head, void *mem,
                       const struct arena *a)
{
    size_t usable = chunk_usable(head);
    struct chunky_block block = {.mem = mem,
                                 .usable = usable,
                                 .bytes = blocks_asked(head, mem, usable),
                                 .size = chunk_size(head),
                                 .is_mapped = chunk_is_mapped(head)};
    if (a != NULL && !arena_is_shared(a))
        block.heap = (struct chunky_heap *)(uintptr_t)a;
    return b->visit(&block, b->context);
}

/* Arena locked: chunks are neither cut nor merged. Other threads free and allocate out of
 * their caches meanwhile; what changes hands in this moment is shown or not. */
static int blocks_heap(const struct blocks *b, const struct arena *a,
                       const struct heap *h)
{
    for (struct chunk *c = h->first; c < heap_fence(h); c = chunk_next(c)) {
        GUARD(chunk_is_valid(&heap_keys, c) && chunk_size(c) >= CHUNK_MIN,
              "corrupted header, met by a walk over all blocks", mem_of(c));
        int stop = chunk_is_live(&heap_keys, c) ? blocks_show(b, c, mem_of(c), a) : 0;
        if (stop != 0)
            return stop;
    }
    return 0;
}

static int blocks_arena(const struct blocks *b, struct arena *a)
{
    int stop = 0;
    const struct heap *h = NULL;
    unsigned seen = 0;
    arena_lock(a);
    while (stop == 0 && (h = arena_next_heap(a, h, &seen)) != NULL)
        stop = blocks_heap(b, a, h);
    arena_unlock(a);
    return stop;
}

/* By number, so that no lock is held while the program looks. `only`: of this heap. */
static int blocks_mapped(const struct blocks *b, const struct arena *only)
{
    struct mapped_view v;
    int stop = 0;
    for (size_t slot = 0; stop == 0 && mapped_at(slot, &v); slot++) {
        struct chunk head;
        if (v.chunk != NULL && (only == NULL || v.owner == only) &&
            os_peek(v.chunk, &head, CHUNK_HEADER) == CHUNK_HEADER &&
            blocks_is_mapped(&head, mem_of(v.chunk)))
            stop = blocks_show(b, &head, mem_of(v.chunk), v.owner);
    }
    return stop;
}

/* Out of their slots: another thread may give the block's own pages back any moment. */
static int blocks_guarded(const struct blocks *b)
{
    struct guard_view v;
    int stop = 0;
    for (uint32_t slot = 1; stop == 0 && guard_at(slot, &v); slot++) {
        struct chunky_block block = {.mem = (void *)v.mem,
                                     .usable = v.usable,
                                     .bytes = v.bytes,
                                     .size = v.usable + CHUNK_HEADER,
                                     .is_mapped = 1};
        if (v.mem != 0)
            stop = b->visit(&block, b->context);
    }
    return stop;
}

PUBLIC int chunky_heap_walk(struct chunky_heap *heap, chunky_block_fn *visit,
                            void *context)
{
    struct blocks b = {visit, context};
    struct arena *a = named_arena(heap);
    int stop = blocks_arena(&b, a);
    return stop != 0 ? stop : blocks_mapped(&b, a);
}

PUBLIC int chunky_walk(chunky_block_fn *visit, void *context)
{
    struct blocks b = {visit, context};
    int stop = 0;
    thread_start_process();
    for (struct arena *a = &arena_main; a != NULL && stop == 0; a = arena_next(a))
        stop = blocks_arena(&b, a);
    if (stop == 0)
        stop = blocks_mapped(&b, NULL);
    return stop != 0 ? stop : blocks_guarded(&b);
}
