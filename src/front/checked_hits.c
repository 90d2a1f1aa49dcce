/* The hit paths of checked calls; see checked.h. Whatever is wrong, or not at hand, is
 * left to the slow ones. No state. */
#include "front/checked.h"

#include "base/check.h"
#include "front/quarantine.h"
#include "front/thread.h"

#include <errno.h>
#include <string.h>

/* What the check of a plain header is made from, and its keyed bytes. */
static ALWAYS_INLINE uint64_t checked_hash(const struct cache *k, const void *mem,
                                           uint32_t word)
{
    return multiply_fold((uintptr_t)mem ^ k->address_key, word ^ k->word_key);
}

/* The header of a live block, by the hash of what it says; not the end of a heap, which has
 * such a header too. */
static ALWAYS_INLINE bool checked_is_right(const struct chunk *c, uint32_t word,
                                           uint64_t hash)
{
    return ((uint32_t)hash & CHECK_MASK) == load_word(&c->tag) && word >= CHUNK_MIN;
}

/* A block that the cache hands out is as it was given, by the hash of what its header says. */
static ALWAYS_INLINE void checked_verify_cached(const struct chunk *c, uint64_t hash)
{
    GUARD((((uint32_t)hash & CHECK_MASK) ^ CHECK_MASK) == load_word(&c->tag),
          RULE_CACHED, mem_of(c));
}

/* The same for a slack that is not short. */
static NOINLINE HOT void *checked_hit_wide(const struct cache *k, struct stack *s,
                                           size_t bytes, enum family family)
{
    void *mem = s->top[-1];
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    uint64_t hash = checked_hash(k, mem, word);
    checked_verify_cached(c, hash);
    s->top--;
    chunk_flip(c);
    canary_write_hashed(mem, bytes, (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD,
                        family, hash);
    return mem;
}

/* The tag of a live chunk of a class that is not in the tables. */
static ALWAYS_INLINE uint32_t checked_tag_large(const struct cache *k, const void *mem,
                                                uint32_t word)
{
    uint32_t domain = word >= HOT_MAX + CHUNK_ALIGN ? CHECK_DOMAIN : 0;
    return ((uint32_t)checked_hash(k, mem, word) & CHECK_MASK) ^ domain;
}

/* For a class that is not in the tables. */
static NOINLINE HOT void *checked_malloc_large(size_t bytes, enum family family,
                                               struct malloc_zero *zero)
{
    struct cache *k = thread_own();
    size_t room = bytes + CANARY_LEAST;
    if (k == NULL || bytes > CLASS_LARGE_BYTES - CANARY_LEAST)
        return checked_malloc_slow(bytes, family, zero);
    void *mem = cache_pop_large(k, class_ceiling_large(chunk_size_for(room)));
    if (mem == NULL)
        return checked_malloc_slow(bytes, family, zero);
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    GUARD((checked_tag_large(k, mem, word) ^ CHECK_MASK) == load_word(&c->tag),
          RULE_CACHED, mem);
    chunk_flip(c);
    canary_write_hashed(mem, bytes, (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD,
                        family, checked_hash(k, mem, word));
    return mem;
}

static ALWAYS_INLINE void *checked_malloc_hit(size_t bytes, enum family family,
                                              struct malloc_zero *zero)
{
    struct cache *k = thread_own();
    if (UNLIKELY(k == NULL || bytes > CLASS_MAX_BYTES - CANARY_LEAST))
        return checked_malloc_large(bytes, family, zero);
    struct stack *s = stack_above(k, class_map[(bytes + CANARY_LEAST + 7) / 16]);
    void **top = s->top - 1, *mem = *top;
    if (UNLIKELY(mem == NULL))
        return checked_malloc_slow(bytes, family, zero);
    /* The canary goes to the end of the chunk, which may be larger than its class: where a
     * size that is too large by 16 says, it would be the next block. */
    uint32_t word = chunk_bits(chunk_of(mem)) & ~(uint32_t)PREV_INUSE;
    size_t usable = (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD;
    if (UNLIKELY(!canary_is_short(usable - bytes)))
        return checked_hit_wide(k, s, bytes, family);
    uint64_t hash = checked_hash(k, mem, word);
    checked_verify_cached(chunk_of(mem), hash);
    s->top = top;
    chunk_flip(chunk_of(mem));
    canary_stamp(mem, bytes, usable, family, hash);
    return mem;
}

/* The callers are cold, and what only cold code calls is built for size; not this. */
HOT void *checked_malloc(size_t bytes, enum family family, struct malloc_zero *zero)
{
    return checked_malloc_hit(bytes, family, zero);
}

HOT void *checked_malloc_plain(size_t bytes)
{
    return checked_malloc_hit(bytes, FAMILY_MALLOC, NULL);
}

COLD void checked_keep_slow(struct chunk *c)
{
    chunk_flip(c);
    free_verified(c);
}

/* A live block of the heap that is right. */
static ALWAYS_INLINE void checked_give(struct cache *k, struct chunk *c, uint32_t word)
{
    if (checked_level >= 2) {
        quarantine_give_hit(k, c, word);
        return;
    }
    checked_fill(mem_of(c), (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD);
    chunk_flip(c);
    checked_keep(k, c, word);
}

/* The header is right, with this hash, and the slack is not short, or wrong. */
static NOINLINE HOT void checked_free_wide(void *mem, size_t bytes, enum family family,
                                           uint64_t hash)
{
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    size_t asked = canary_asked_wide(
        mem, (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD, family, hash);
    if (UNLIKELY(asked == CANARY_NONE || (bytes != SIZE_MAX && bytes != asked)))
        checked_free_slow(mem, bytes, family);
    else
        checked_give(thread_own(), c, word);
}

/* The last place went to a signal handler meanwhile. */
static COLD NOINLINE void checked_give_late(struct chunk *c)
{
    int saved = errno;
    free_verified(c);
    errno = saved;
}

/* A block of a class that is not in the tables, at level 1; false: nothing was done. */
static ALWAYS_INLINE bool checked_give_large(void *mem, size_t bytes,
                                             enum family family)
{
    struct cache *k = thread_own();
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    size_t size = word & ~(uint32_t)CHUNK_FLAGS, usable = size - CHUNK_OVERHEAD;
    if (k == NULL || checked_level != 1 || size <= CLASS_MAX_SIZE ||
        size > CLASS_LARGE_SIZE || (word & (IS_MMAPPED | HAS_REQUEST)) != 0 ||
        ((uintptr_t)mem & (CHUNK_ALIGN - 1)) != 0 ||
        checked_tag_large(k, mem, word) != load_word(&c->tag))
        return false;
    unsigned class = class_floor_large(size);
    size_t asked = canary_asked_wide(mem, usable, family, checked_hash(k, mem, word));
    if (k->stack[class].top == k->stack[class].limit || asked == CANARY_NONE ||
        (bytes != SIZE_MAX && bytes != asked))
        return false;
    checked_fill(mem, usable);
    if (UNLIKELY(!cache_push_large(k, class, mem)))
        checked_give_late(c);
    return true;
}

/* What is not plain, or not right. */
static NOINLINE HOT void checked_free_odd(void *mem, size_t bytes, enum family family)
{
    if (!checked_give_large(mem, bytes, family))
        checked_free_slow(mem, bytes, family);
}

static ALWAYS_INLINE void checked_free_hit(void *mem, size_t bytes, enum family family)
{
    struct cache *k = thread_own();
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    OPAQUE(word); /* else it is computed twice */
    uint64_t hash = k == NULL ? 0 : checked_hash(k, mem, word);
    if (UNLIKELY(k == NULL || !checked_is_right(c, word, hash))) {
        checked_free_odd(mem, bytes, family);
        return;
    }
    size_t usable = (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD;
    size_t slack = canary_slack_short(mem, usable, family, hash);
    if (UNLIKELY(slack == 0 || (bytes != SIZE_MAX && bytes != usable - slack)))
        checked_free_wide(mem, bytes, family, hash);
    else
        checked_give(k, c, word);
}

HOT void checked_free_mem(void *mem, size_t bytes, enum family family)
{
    checked_free_hit(mem, bytes, family);
}

HOT void checked_free_plain(void *mem)
{
    checked_free_hit(mem, SIZE_MAX, FAMILY_MALLOC);
}

void checked_delete(void *mem, size_t bytes, enum family family)
{
    if (mem == NULL)
        return;
    if (LIKELY(checked_hits != 0))
        checked_free_mem(mem, bytes, family);
    else
        checked_free_slow(mem, bytes, family);
}

HOT size_t checked_usable_hit(const void *mem)
{
    struct cache *k = thread_own();
    const struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    uint64_t hash = k == NULL ? 0 : checked_hash(k, mem, word);
    if (UNLIKELY(k == NULL || !checked_is_right(c, word, hash)))
        return CANARY_NONE;
    size_t usable = (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD;
    size_t slack = canary_slack_short(mem, usable, FAMILY_MALLOC, hash);
    return slack != 0 ? usable - slack
                      : canary_asked_wide(mem, usable, FAMILY_MALLOC, hash);
}

/* Whether a block of the cache's sizes goes to another one for this request: those that
 * realloc_resize leaves alone, and no room to spare is wanted. */
static ALWAYS_INLINE bool checked_moves(size_t size, size_t old_bytes, size_t bytes)
{
    return bytes < LARGE_MIN && size <= LARGE_MIN &&
           checked_spare(old_bytes, bytes) == 0;
}

HOT void *checked_realloc_hit(void *mem, size_t bytes)
{
    struct cache *k = thread_own();
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    size_t size = word & ~(uint32_t)CHUNK_FLAGS, usable = size - CHUNK_OVERHEAD;
    bool stays = checked_stays(usable, bytes);
    if (k == NULL || (!stays && size > LARGE_MIN))
        return NULL;
    uint64_t hash = checked_hash(k, mem, word);
    if (UNLIKELY(!checked_is_right(c, word, hash)))
        return NULL;
    size_t slack = canary_slack_short(mem, usable, FAMILY_MALLOC, hash);
    size_t asked = slack != 0 ? usable - slack
                              : canary_asked_wide(mem, usable, FAMILY_MALLOC, hash);
    if (UNLIKELY(asked == CANARY_NONE))
        return NULL;
    if (stays) {
        canary_write_hashed(mem, bytes, usable, FAMILY_MALLOC, hash);
        return mem;
    }
    if (!checked_moves(size, asked, bytes))
        return NULL;
    void *moved = checked_malloc_plain(bytes);
    if (moved != NULL) {
        memcpy(moved, mem, min_size(asked, bytes));
        checked_give(k, c, word);
    }
    return moved;
}
