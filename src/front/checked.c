/* Checked calls; see checked.h. State: the level. */
#include "front/checked.h"

#include "base/check.h"
#include "core/mapped.h"
#include "front/fault.h"
#include "front/frames.h"
#include "front/guard.h"
#include "front/named.h"
#include "front/options.h"
#include "front/quarantine.h"
#include "front/report.h"
#include "front/thread.h"
#include "front/upkeep.h"

#include <errno.h>
#include <string.h>

enum {
    MOVE_LEAST = 1024, /* smaller blocks are moved by every realloc at level 2 */
    SIZED_SPARE = 4096 /* unrecorded blocks may be larger than asked by this */
};

#define FILL_WORD (0xdf * EACH_BYTE) /* what level 1 leaves in freed blocks */

unsigned checked_level;

_Atomic unsigned checked_hits;

void checked_init(void)
{
    unsigned check = tune.check;
    checked_level = check < 3 ? check : tune.guard_rate == 0 ? 0 : 2;
    if (checked_level >= 2)
        quarantine_describe();
    checked_hits =
        check < 3 && tune.request == 0 && tune.perturb == 0 ? checked_level : 0;
}

void checked_start(void)
{
    if (tune.check < 3)
        return;
    frames_start();
    guard_start();
    fault_start();
}

bool checked_raise(unsigned level)
{
    if (tune.check == level)
        return true;
    if (tune.check != 0 || level != 3 || tune.guard_rate != 0)
        return false;
    frames_start();
    guard_start();
    fault_start();
    tune.check = 3;
    options_note((const void *)&tune.check, "chunky ctl");
    return true;
}

void checked_end(void)
{
    if (checked_level >= 2)
        quarantine_verify();
    report_sum();
}

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

#define RULE_CACHED                                                                    \
    "overwritten header: of a free block, which a malloc was about to get"

static COLD void checked_tell_canary(const void *mem, const struct canary_finding *f)
{
    struct finding found = {.rule = "heap overflow: the bytes behind the block were "
                                    "overwritten",
                            .mem = mem,
                            .boundary = (uintptr_t)mem + f->from,
                            .length = min_size(f->length, REPORT_EXPECTED)};
    if (f->family == FAMILY_ANY) {
        found.expected[0] = CANARY_LEAST; /* at least; what was there is gone */
    } else {
        for (size_t i = 0; i < found.length; i++)
            found.expected[i] = canary_byte(mem, chunk_usable(chunk_of(mem)) - f->bytes,
                                            f->family, f->from + i);
    }
    report_finding(&found);
}

/* A block of the family `of` is freed by the calls of the family `by`. */
static void checked_family(const void *mem, enum family of, enum family by)
{
    static const char *const rules[3] = {
        "mismatch: block of malloc freed by operator delete",
        "mismatch: block of operator new freed by something else than delete",
        "mismatch: block of operator new[] freed by something else than delete[]"};
    struct finding f = {.rule = rules[of < FAMILY_ANY ? of : 0], .mem = mem};
    if (UNLIKELY(by != FAMILY_ANY && by != of))
        report_finding(&f);
}

/* Bytes asked for; an overwritten canary or a free by another family is a finding.
 * CANARY_NONE: the first of these, and the process goes on. */
static size_t checked_verify(const struct chunk *c, enum family family)
{
    const void *mem = mem_of(c);
    struct canary_finding f = canary_read(mem, chunk_usable(c));
    if (UNLIKELY(!f.is_right)) {
        checked_tell_canary(mem, &f);
        return CANARY_NONE;
    }
    checked_family(mem, f.family, family);
    return f.bytes;
}

/* After such a finding: the block has a right canary again. Returns its bytes. */
static COLD size_t checked_mend(const struct chunk *c)
{
    size_t usable = chunk_usable(c);
    struct canary_finding f = canary_read(mem_of(c), usable);
    bool known = f.family != FAMILY_ANY;
    size_t bytes = known ? f.bytes : usable - CANARY_LEAST;
    canary_write(mem_of(c), bytes, usable, known ? f.family : FAMILY_MALLOC);
    return bytes;
}

size_t checked_request(const struct chunk *c)
{
    size_t usable = chunk_usable(c);
    if (guard_owns(c)) {
        guard_verify(c);
        return guard_of(c)->bytes;
    }
    if (checked_level != 0) {
        size_t bytes = checked_verify(c, FAMILY_ANY);
        return LIKELY(bytes != CANARY_NONE) ? bytes : checked_mend(c);
    }
    if ((chunk_bits(c) & HAS_REQUEST) == 0)
        return usable;
    size_t slack =
        canary_slack((const unsigned char *)mem_of(c) + usable - CANARY_TAIL);
    return slack > usable ? usable : usable - slack;
}

void checked_record(struct chunk *c, size_t bytes, enum family family)
{
    size_t usable = chunk_usable(c);
    if (checked_level != 0)
        canary_write(mem_of(c), bytes, usable, family);
    else if (tune.request != 0 && usable != bytes)
        canary_write_slack(mem_of(c), bytes, usable);
    if (tune.request != 0 && usable != bytes)
        checked_set_flags(c, HAS_REQUEST);
}

void checked_forget(struct chunk *c)
{
    if ((chunk_bits(c) & HAS_REQUEST) != 0)
        checked_set_flags(c, 0);
}

void *checked_guarded(size_t align, size_t bytes, enum family family)
{
    if (tune.check < 3 || !guard_is_due())
        return NULL;
    return guard_take(align, bytes, family);
}

/* What the check of a plain header is made from, and its keyed bytes. */
static ALWAYS_INLINE uint64_t checked_hash(const struct cache *k, const void *mem,
                                           uint32_t word)
{
    return multiply_fold((uintptr_t)mem ^ k->address_key, word ^ k->word_key);
}

/* The same for a slack that is not short: the size is verified before it is used. */
static NOINLINE HOT void *checked_hit_wide(const struct cache *k, struct stack *s,
                                           size_t bytes, enum family family)
{
    void *mem = s->top[-1];
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    uint64_t hash = checked_hash(k, mem, word);
    GUARD((((uint32_t)hash & CHECK_MASK) ^ CHECK_MASK) == load_word(&c->tag),
          RULE_CACHED, mem);
    s->top--;
    chunk_flip(c);
    canary_write_hashed(mem, bytes, (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD,
                        family, hash);
    return mem;
}

static ALWAYS_INLINE void *checked_malloc_hit(size_t bytes, enum family family,
                                              struct malloc_zero *zero)
{
    struct cache *k = thread_own();
    if (UNLIKELY(k == NULL || bytes > CLASS_MAX_BYTES - CANARY_LEAST))
        return checked_malloc_slow(bytes, family, zero);
    struct stack *s = stack_above(k, class_map[(bytes + CANARY_LEAST + 7) / 16]);
    void **top = s->top - 1, *mem = *top;
    if (UNLIKELY(mem == NULL))
        return checked_malloc_slow(bytes, family, zero);
    /* The canary goes to the end of the chunk, which may be larger than its class. A size
     * that fits as well as here is believed: it is verified when the block is freed. */
    uint32_t word = chunk_bits(chunk_of(mem)) & ~(uint32_t)(PREV_INUSE | HAS_REQUEST);
    size_t usable = (word & ~(uint32_t)CHUNK_FLAGS) - CHUNK_OVERHEAD;
    if (UNLIKELY(!canary_is_short(usable - bytes)))
        return checked_hit_wide(k, s, bytes, family);
    s->top = top;
    chunk_flip(chunk_of(mem));
    canary_stamp(mem, bytes, usable, family, checked_hash(k, mem, word));
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

COLD void *checked_malloc_slow(size_t bytes, enum family family,
                               struct malloc_zero *zero)
{
    if (bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    struct cache *k = thread_cache();
    thread_start_process();
    void *mem = checked_guarded(CHUNK_ALIGN, bytes, family);
    if (mem != NULL) {
        if (zero != NULL)
            *zero = (struct malloc_zero){(uintptr_t)mem, SIZE_MAX};
        return mem;
    }
    mem = malloc_plain(k, checked_room(bytes), zero);
    if (mem == NULL)
        return NULL;
    /* A cache hands out what it was given; the canary goes where the size says. */
    GUARD(chunk_is_live(&heap_keys, chunk_of(mem)), RULE_CACHED, mem);
    if (tune.perturb != 0) {
        memset(mem, (int)(tune.perturb ^ 0xff), bytes);
        if (zero != NULL)
            *zero = (struct malloc_zero){0, 0};
    }
    checked_record(chunk_of(mem), bytes, family);
    return mem;
}

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

static void checked_free_late(struct chunk *c, enum family family)
{
    size_t bytes = checked_level != 0 ? checked_verify(c, family) : checked_request(c);
    if (bytes == CANARY_NONE)
        return;
    checked_forget(c);
    if (chunk_is_mapped(c)) {
        void *mem = mem_of(c);
        free_verified(c);
        if (checked_level != 0)
            fault_note_unmapped(mem, bytes);
    } else if (checked_level >= 2) {
        quarantine_give(thread_cache(), c);
    } else {
        if (tune.perturb != 0)
            memset(mem_of(c), (int)tune.perturb, bytes);
        else if (checked_level != 0)
            checked_fill(mem_of(c), chunk_usable(c));
        free_verified(c);
    }
}

void checked_free(struct chunk *c, enum family family)
{
    if (guard_owns(c)) {
        if (checked_level != 0)
            checked_family(mem_of(c), (enum family)guard_of(c)->family, family);
        guard_give(c);
    } else {
        checked_free_late(c, family);
    }
}

static COLD void checked_free_slow(void *mem, size_t bytes, enum family family)
{
    int saved = errno;
    thread_cache();
    if (bytes != SIZE_MAX && !checked_sized(mem, bytes, 0))
        return;
    struct chunk *c =
        malloc_verify(mem, family == FAMILY_MALLOC ? "free" : "operator delete");
    if (UNLIKELY(c == NULL))
        return;
    struct arena *named = named_of(c);
    if (UNLIKELY(named != NULL))
        named_free(named, c);
    else
        checked_free(c, family);
    upkeep();
    errno = saved;
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
    checked_push(k, c, word);
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

static ALWAYS_INLINE void checked_free_hit(void *mem, size_t bytes, enum family family)
{
    struct cache *k = thread_own();
    struct chunk *c = chunk_of(mem);
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    OPAQUE(word); /* else it is computed twice */
    uint64_t hash = k == NULL ? 0 : checked_hash(k, mem, word);
    if (UNLIKELY(k == NULL || ((uint32_t)hash & CHECK_MASK) != load_word(&c->tag))) {
        checked_free_slow(mem, bytes, family);
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

/* Level 2 moves small blocks always, and larger ones when they are full: then to a place
 * with a quarter to spare, else what grows by little would be copied each time. */
static size_t checked_spare(size_t old_bytes, size_t bytes)
{
    bool grows = bytes > old_bytes && old_bytes >= MOVE_LEAST;
    return checked_hits >= 2 && grows ? bytes / 4 : 0;
}

/* New block, copy, free: so that whoever keeps the old pointer is found. */
static void *checked_move(struct chunk *c, size_t old_bytes, size_t bytes,
                          enum family family)
{
    size_t spare = checked_spare(old_bytes, bytes);
    void *mem = spare == 0 ? NULL : malloc_plain(thread_cache(), bytes + spare, NULL);
    if (mem != NULL)
        checked_record(chunk_of(mem), bytes, family);
    else
        mem = checked_hits != 0 ? checked_malloc(bytes, family, NULL)
                                : checked_malloc_slow(bytes, family, NULL);
    if (mem == NULL)
        return NULL;
    memcpy(mem, mem_of(c), min_size(old_bytes, bytes));
    checked_free(c, FAMILY_ANY);
    return mem;
}

/* In place: the same chunk for another request. */
static ALWAYS_INLINE bool checked_stays(size_t usable, size_t bytes)
{
    size_t room = checked_room(bytes);
    return usable >= room && usable - room <= usable / 2 &&
           (checked_level < 2 || usable >= MOVE_LEAST);
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
    if (UNLIKELY(((uint32_t)hash & CHECK_MASK) != load_word(&c->tag)))
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

/* Only requests are recorded: the block goes where it would go without that. */
static void *checked_recorded(struct chunk *c, size_t old_bytes, size_t bytes)
{
    checked_forget(c);
    void *mem = realloc_plain(c, bytes);
    struct chunk *now = mem == NULL ? c : chunk_of(mem);
    if ((chunk_bits(now) & HAS_REQUEST) == 0)
        checked_record(now, mem == NULL ? old_bytes : bytes, FAMILY_MALLOC);
    return mem;
}

/* A mapping that grows gets address space to spare: what is kept at its old place so that
 * a second free is told (fault_note_unmapped) keeps it from growing there again. */
static struct chunk *checked_resize(struct chunk *c, size_t old_bytes, size_t bytes)
{
    struct chunk *resized = NULL;
    if (chunk_is_mapped(c) && bytes > old_bytes && bytes < PTRDIFF_MAX / 2)
        resized = realloc_resize(c, checked_room(bytes + bytes / 8));
    return resized != NULL ? resized : realloc_resize(c, checked_room(bytes));
}

/* realloc is of malloc's family. */
static void checked_realloc_family(const void *mem, enum family of)
{
    struct finding f = {.rule = of == FAMILY_NEW
                                    ? "mismatch: block of operator new given to realloc"
                                    : "mismatch: block of operator new[] given to "
                                      "realloc",
                        .mem = mem};
    if (UNLIKELY(of == FAMILY_NEW || of == FAMILY_NEW_ARRAY))
        report_finding(&f);
}

void *checked_realloc(struct chunk *c, size_t bytes)
{
    size_t old_bytes = checked_request(c);
    if (checked_level == 0 && !guard_owns(c))
        return checked_recorded(c, old_bytes, bytes);
    enum family family = guard_owns(c) ? (enum family)guard_of(c)->family
                                       : canary_read(mem_of(c), chunk_usable(c)).family;
    if (checked_level != 0)
        checked_realloc_family(mem_of(c), family);
    if (guard_owns(c))
        return checked_move(c, old_bytes, bytes, family);
    bool stays = checked_stays(chunk_usable(c), bytes);
    if (checked_level >= 2 && !chunk_is_mapped(c) && !stays)
        return checked_move(c, old_bytes, bytes, family);
    checked_forget(c);
    if (!stays) {
        struct chunk *resized = checked_resize(c, old_bytes, bytes);
        if (resized == NULL) {
            checked_record(c, old_bytes, family);
            return checked_move(c, old_bytes, bytes, family);
        }
        if (resized != c)
            fault_note_unmapped(mem_of(c), old_bytes);
        c = resized;
    }
    checked_record(c, bytes, family);
    return mem_of(c);
}

bool checked_sized(const void *mem, size_t bytes, size_t align)
{
    struct finding f = {
        .rule = "free_sized: the size is not the one that was asked for", .mem = mem};
    const struct chunk *c = malloc_verify(mem, "free_sized");
    if (UNLIKELY(c == NULL))
        return false;
    bool recorded =
        checked_level != 0 || guard_owns(c) || (chunk_bits(c) & HAS_REQUEST) != 0;
    size_t have = checked_request(c);
    /* What a block may have too much of: classes, what is not split off, pages. */
    size_t spare =
        max_size(have / 4, SIZED_SPARE) + (chunk_is_mapped(c) ? have / 8 : 0);
    bool fits = recorded ? bytes == have : bytes <= have && have - bytes <= spare;
    if (fits && align != 0 && ((uintptr_t)mem & (align - 1)) != 0) {
        f.rule = "free_aligned_sized: the block is not aligned like this";
        fits = false;
    }
    if (UNLIKELY(!fits))
        report_finding(&f);
    return true;
}
