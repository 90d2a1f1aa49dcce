/*
 * What checks, guards, recorded requests and fill bytes add to every call. While a level
 * of 1 or more is in force no thread has a hot cache, and all blocks carry a canary.
 * Notes: docs/notes/checks.md
 */
#ifndef CHUNKY_FRONT_CHECKED_H
#define CHUNKY_FRONT_CHECKED_H

#include "core/chunk.h"
#include "front/canary.h"
#include "front/malloc.h"
#include "front/options.h"

#include <string.h>

/* What every block gets: 0 nothing, 1 canary and fill, 2 quarantine too. Level 3 is 2
 * with guard_rate=N, and 0 while it only samples. Fixed at the start. */
extern _Atomic unsigned checked_level;
/* The same while the hit paths here do all of it; else 0. */
extern _Atomic unsigned checked_hits;

/* From the options; before the first block, and when mallopt changed one. */
void checked_init(void);
/* What may allocate or installs handlers, from the library's constructor. */
void checked_start(void);
/* While running: from no checks to sampled guards (3, guard_rate 0), which is the only
 * step that leaves blocks without a canary alone. True if the level is now `level`. */
bool checked_raise(unsigned level);
/* At the end of the process: looks at what rests in quarantine. */
void checked_end(void);

/* Bytes that a block for `bytes` has to be able to hold; bytes <= PTRDIFF_MAX. */
static inline size_t checked_room(size_t bytes)
{
    return checked_level == 0 ? bytes : bytes + CANARY_LEAST;
}

#define RULE_CACHED                                                                    \
    "overwritten header: of a free block, which a malloc was about to get"

/* What M_PERTURB puts into new memory, and into what is freed. */
static inline void checked_perturb(void *mem, size_t bytes)
{
    if (UNLIKELY(tune.perturb != 0))
        memset(mem, (int)(tune.perturb ^ 0xff), bytes);
}

static inline void checked_perturb_freed(void *mem, size_t bytes)
{
    if (UNLIKELY(tune.perturb != 0))
        memset(mem, (int)tune.perturb, bytes);
}

/* What level 1 leaves in freed blocks. */
#define FILL_WORD (0xdf * EACH_BYTE)

/* The first 32 bytes and the last 16, canary included: pointers lie in front, and a
 * header that somebody puts back does not make it a block again. usable is 24, 40, ... */
static ALWAYS_INLINE void checked_fill(void *mem, size_t usable)
{
    static const uint64_t fill[2] = {FILL_WORD, FILL_WORD};
    unsigned char *at = mem;
    memcpy(at, fill, 16);
    memcpy(at + usable - 16, fill, 16);
    /* Without a branch: sizes of freed blocks are hard to predict. */
    memcpy(at + (usable > 32) * (size_t)16, fill, 16);
}

enum { MOVE_LEAST = 1024 }; /* smaller blocks are moved by every realloc at level 2 */

/* Level 2 moves small blocks always, and larger ones when they are full: then to a place
 * with a quarter to spare, else what grows by little would be copied each time. */
static inline size_t checked_spare(size_t old_bytes, size_t bytes)
{
    bool grows = bytes > old_bytes && old_bytes >= MOVE_LEAST;
    return checked_hits >= 2 && grows ? bytes / 4 : 0;
}

/* In place: the same chunk for another request. */
static ALWAYS_INLINE bool checked_stays(size_t usable, size_t bytes)
{
    size_t room = checked_room(bytes);
    return usable >= room && usable - room <= usable / 2 &&
           (checked_level < 2 || usable >= MOVE_LEAST);
}

void checked_keep_slow(struct chunk *c);
/* Gives an idle chunk back, whose header is right, with these low bits, and no special
 * one: to the cache if it has room. */
static ALWAYS_INLINE void checked_push(struct cache *k, struct chunk *c, uint32_t word)
{
    struct stack *s = stack_at(k, class_map[word / CHUNK_ALIGN % CLASS_MAP_SIZE]);
    void **top = s->top;
    if (UNLIKELY(top == s->limit)) {
        checked_keep_slow(c);
        return;
    }
    *top = mem_of(c);
    advance_slot(&s->top);
}

/* The same for any right header. */
static ALWAYS_INLINE void checked_keep(struct cache *k, struct chunk *c, uint32_t word)
{
    if (LIKELY(word < HOT_MAX))
        checked_push(k, c, word);
    else
        checked_keep_slow(c);
}

/* A live block. NULL and ENOMEM on failure. `zero` may be NULL. The first one is the hit
 * path; for checked_hits. */
void *checked_malloc(size_t bytes, enum family family, struct malloc_zero *zero);
void *checked_malloc_slow(size_t bytes, enum family family, struct malloc_zero *zero);
/* The first one for malloc, and that of free. */
void *checked_malloc_plain(size_t bytes);
void checked_free_plain(void *mem);
/* A guarded block if the next one shall be one, or NULL. */
void *checked_guarded(size_t align, size_t bytes, enum family family);
/* The hit path of free: frees what a call of `family` was handed, which believes that it is a
 * block of `bytes` (SIZE_MAX: of any size). Keeps errno. */
void checked_free_mem(void *mem, size_t bytes, enum family family);
/* Off the hit path. */
void checked_free_slow(void *mem, size_t bytes, enum family family);
/* The same as checked_free_mem; mem may be NULL. */
void checked_delete(void *mem, size_t bytes, enum family family);
/* Frees a verified live block, by the calls of `family`. */
void checked_free(struct chunk *c, enum family family);
/* realloc of a block that stays where it is, or is small: NULL when that is not so, or
 * anything is wrong. For checked_hits. */
void *checked_realloc_hit(void *mem, size_t bytes);
/* What was asked for a block of malloc's, if all is right with it; else CANARY_NONE. For
 * checked_hits. */
size_t checked_usable_hit(const void *mem);
/* For a verified live block; bytes is not 0. NULL and ENOMEM on failure. */
void *checked_realloc(struct chunk *c, size_t bytes);

/* Bytes that the user asked for, when they are recorded; else the usable bytes. A broken
 * canary is a finding; if the process goes on it is put right, and where nothing tells its
 * family it becomes one of `family` (FAMILY_ANY: it stays broken). */
size_t checked_request(const struct chunk *c, enum family family);
/* Records that a live block now holds `bytes`. */
void checked_record(struct chunk *c, size_t bytes, enum family family);
/* Makes a recorded block ordinary again, for those who change its size. */
void checked_forget(struct chunk *c);

/* A sized free: the bytes and the alignment (0: none given) that the caller believes
 * in are compared with the block; a mismatch is a finding. False: it is no live block, so
 * that there is nothing to free. `verb`: the call, for the report. */
bool checked_sized(const void *mem, size_t bytes, size_t align, const char *verb);

#endif
