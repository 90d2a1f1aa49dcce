/*
 * What the calls of the libc interface share: the hit path, what lies off it, and the
 * look at a pointer that a program hands in. Notes: docs/notes/hot-path.md
 */
#ifndef CHUNKY_FRONT_MALLOC_H
#define CHUNKY_FRONT_MALLOC_H

#include "front/cache.h"
#include "front/canary.h"
#include "front/fault.h"
#include "front/options.h"
#include "front/thread.h"

/* Memory that is known to be zero, in a block just taken. */
struct malloc_zero {
    uintptr_t from;
    uintptr_t to;
};

/* A live block of `bytes`, from the cache's refill, a mapping or the arena. `zero` may
 * be NULL. NULL and ENOMEM on failure. */
void *malloc_plain(struct cache *k, size_t bytes, struct malloc_zero *zero);

/* The hit path: a live block out of the thread's cache, or NULL. Budget of the whole
 * malloc: scripts/hot-budget.txt. */
static ALWAYS_INLINE void *malloc_hit(size_t bytes)
{
    if (UNLIKELY(bytes > CLASS_MAX_BYTES))
        return NULL;
    struct stack *s = stack_above(thread_hot, class_map[(bytes + 7) / 16]);
    void **top = s->top - 1, *mem = *top;
    if (LIKELY(mem != NULL)) {
        s->top = top;
        chunk_flip(chunk_of(mem));
    }
    return mem;
}

/* Free's hit test: true for a live block of a class in which nothing is recorded; then
 * *size is its chunk's. False for all others: the end of a heap has the header of a live one
 * that is too small; and for want of a cache, since the dummy knows no secrets (a forged
 * header ends in its full stack, but only in free). At level 3 the header may lie on pages
 * that are not there: `verb` names the caller in that report. */
static ALWAYS_INLINE bool malloc_is_plain(const void *mem, size_t *size,
                                          const char *verb)
{
    const struct cache *k = thread_hot;
    if (UNLIKELY(k == &cache_dummy))
        return false;
    bool is_checked = tune.check != 0;
    if (UNLIKELY(is_checked))
        fault_expect(mem, verb);
    uint32_t word = chunk_bits(chunk_of(mem)) & ~(uint32_t)PREV_INUSE;
    uint32_t tag = load_word(&chunk_of(mem)->tag);
    if (UNLIKELY(is_checked))
        fault_relax();
    *size = word & ~(uint32_t)CHUNK_FLAGS;
    return chunk_hash_plain(k->address_key, k->word_key, mem, word) == tag &&
           word - CHUNK_MIN < HOT_MAX + CHUNK_ALIGN - CHUNK_MIN;
}

/* What malloc does off the hit path, and operator new. NULL and ENOMEM on failure. */
void *malloc_slow(size_t bytes);
void *malloc_slow_as(size_t bytes, enum family family);
/* What free does off the hit path; mem is not NULL. Keeps errno. */
void free_slow(void *mem);

/* The chunk of a live block, its whole header verified; a report otherwise, and abort, or
 * NULL where go_on has the call refused. `verb` names the caller in the report. */
struct chunk *malloc_verify(const void *mem, const char *verb);

/* Frees a block whose header was verified and that is live. */
void free_verified(struct chunk *c);

/* A live chunk made fit for `bytes` in place or by moving its mapping, or NULL when it
 * would have to be copied. */
struct chunk *realloc_resize(struct chunk *c, size_t bytes);
/* What realloc does when nothing is checked. NULL and ENOMEM, c unchanged, on failure. */
void *realloc_plain(struct chunk *c, size_t bytes);

#endif
