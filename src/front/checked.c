/* Checked calls; see checked.h. State: the level. */
#include "front/checked.h"

#include "base/check.h"
#include "core/mapped.h"
#include "front/fault.h"
#include "front/frames.h"
#include "front/guard.h"
#include "front/named.h"
#include "front/objects.h"
#include "front/options.h"
#include "front/quarantine.h"
#include "front/report.h"
#include "front/thread.h"
#include "front/upkeep.h"

#include <errno.h>
#include <string.h>

enum { SIZED_SPARE = 4096 }; /* unrecorded blocks may be larger than asked by this */

_Atomic unsigned checked_level;
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
    chunk_set_idle(&heap_keys, c, arena_size_again(c, CHUNK_MIN, SIZE_MAX),
                   kept | flags);
    chunk_flip(c);
    if (a != NULL)
        arena_unlock(a);
}

/* `is_served`: the call goes on with what is there. */
static COLD void checked_tell_canary(const void *mem, bool is_served)
{
    size_t usable = chunk_usable(chunk_of(mem));
    struct canary_finding f = canary_search(mem, usable);
    struct finding found = {.rule = "heap overflow: the bytes behind the block were "
                                    "overwritten",
                            .mem = mem,
                            .boundary = (uintptr_t)mem + usable - 1,
                            .length = 1,
                            .expected = {CANARY_LEAST}, /* at least */
                            .is_served = is_served};
    if (f.length != 0) {
        found.boundary = (uintptr_t)mem + f.from;
        found.length = min_size(f.length, REPORT_EXPECTED);
        for (size_t i = 0; i < found.length; i++)
            found.expected[i] = canary_byte(
                mem, usable - f.from, f.family == FAMILY_ANY ? FAMILY_MALLOC : f.family,
                f.from + i);
    }
    report_finding(&found);
}

/* A block of the family `of` is freed by the calls of the family `by`. That proves nothing
 * where another operator new or delete stands between them and the program. */
static void checked_family(const void *mem, enum family of, enum family by)
{
    static const char *const rules[3] = {
        "mismatch: block of malloc freed by operator delete",
        "mismatch: block of operator new freed by something else than delete",
        "mismatch: block of operator new[] freed by something else than delete[]"};
    struct finding f = {.rule = rules[of < FAMILY_ANY ? of : 0], .mem = mem};
    if (UNLIKELY(by != FAMILY_ANY && by != of) && !objects_have_operators())
        report_finding(&f);
}

/* Bytes asked for; an overwritten canary or a free by another family is a finding.
 * CANARY_NONE: the first of these, and the process goes on. */
static size_t checked_verify(const struct chunk *c, enum family family)
{
    const void *mem = mem_of(c);
    struct canary_finding f = canary_read(mem, arena_usable_again(c, 0));
    if (UNLIKELY(!f.is_right)) {
        checked_tell_canary(mem, false);
        return CANARY_NONE;
    }
    checked_family(mem, f.family, family);
    return f.bytes;
}

/* A wrong canary is told, and put right if it can be: no byte that may have been asked for
 * is touched. Returns how many that are. */
static COLD size_t checked_mend(const struct chunk *c, enum family family)
{
    size_t usable = chunk_usable(c);
    struct canary_finding f = canary_read(mem_of(c), usable);
    checked_tell_canary(mem_of(c), true);
    if (f.family != FAMILY_ANY)
        family = f.family;
    if (family != FAMILY_ANY)
        canary_write(mem_of(c), f.bytes, usable, family);
    return f.bytes;
}

size_t checked_request(const struct chunk *c, enum family family)
{
    if (guard_owns(c)) {
        guard_verify(c);
        return guard_of(c)->bytes;
    }
    size_t usable = arena_usable_again(c, 0);
    if (checked_level != 0) {
        struct canary_finding f = canary_read(mem_of(c), usable);
        return LIKELY(f.is_right) ? f.bytes : checked_mend(c, family);
    }
    if ((chunk_bits(c) & HAS_REQUEST) == 0)
        return usable;
    size_t slack =
        canary_slack((const unsigned char *)mem_of(c) + usable - CANARY_TAIL);
    return slack > usable ? usable : usable - slack;
}

void checked_record(struct chunk *c, size_t bytes, enum family family)
{
    /* realloc waited, and anybody may have written to a header that is not new. */
    size_t usable = arena_usable_again(c, bytes);
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

COLD void *checked_malloc_slow(size_t bytes, enum family family,
                               struct malloc_zero *zero)
{
    if (bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    int saved = errno;
    struct cache *k = thread_cache();
    thread_start_process();
    void *mem = checked_guarded(CHUNK_ALIGN, bytes, family);
    if (mem != NULL) {
        if (zero != NULL)
            *zero = (struct malloc_zero){(uintptr_t)mem, SIZE_MAX};
        else
            checked_perturb(mem, bytes);
        return mem;
    }
    errno = saved;
    mem = malloc_plain(k, checked_room(bytes), zero);
    if (mem == NULL || !thread_is_slow())
        return mem;
    /* A cache hands out what it was given; the canary goes where the size says. */
    GUARD(chunk_is_live(&heap_keys, chunk_of(mem)), RULE_CACHED, mem);
    if (zero == NULL)
        checked_perturb(mem, bytes);
    checked_record(chunk_of(mem), bytes, family);
    return mem;
}

static void checked_free_late(struct chunk *c, enum family family)
{
    size_t bytes =
        checked_level != 0 ? checked_verify(c, family) : checked_request(c, family);
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
        if (checked_level != 0)
            checked_fill(mem_of(c), arena_usable_again(c, bytes));
        checked_perturb_freed(mem_of(c), bytes);
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

COLD void checked_free_slow(void *mem, size_t bytes, enum family family)
{
    int saved = errno;
    thread_cache();
    if (bytes != SIZE_MAX && !checked_sized(mem, bytes, 0, "operator delete"))
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

/* Another operator new may have asked for more than it was asked for: for a byte instead of
 * none, for a multiple of the alignment. */
static COLD bool checked_was_padded(const struct chunk *c)
{
    enum family family = FAMILY_ANY;
    if (guard_owns(c))
        family = (enum family)guard_of(c)->family;
    else if (checked_level != 0)
        family = canary_read(mem_of(c), chunk_usable(c)).family;
    return family != FAMILY_NEW && family != FAMILY_NEW_ARRAY &&
           objects_have_operators();
}

bool checked_sized(const void *mem, size_t bytes, size_t align, const char *verb)
{
    struct finding f = {
        .rule = "the size is not the one that was asked for", .verb = verb, .mem = mem};
    const struct chunk *c = malloc_verify(mem, verb);
    if (UNLIKELY(c == NULL))
        return false;
    bool recorded =
        checked_level != 0 || guard_owns(c) || (chunk_bits(c) & HAS_REQUEST) != 0;
    bool is_keyed = checked_level != 0 && !guard_owns(c);
    size_t have =
        is_keyed ? checked_verify(c, FAMILY_ANY) : checked_request(c, FAMILY_ANY);
    if (UNLIKELY(have == CANARY_NONE))
        return false;
    /* What a block may have too much of: it may be of the second class above, at its upper
     * end, or have shrunk by a quarter where it lies; and pages. */
    size_t spare =
        max_size(have / 8 * 3, SIZED_SPARE) + (chunk_is_mapped(c) ? have / 8 : 0);
    bool fits = recorded ? bytes == have : bytes <= have && have - bytes <= spare;
    if (UNLIKELY(!fits && bytes < have))
        fits = checked_was_padded(c);
    if (fits && align != 0 && ((uintptr_t)mem & (align - 1)) != 0) {
        f.rule = "the block is not aligned like this";
        fits = false;
    }
    if (UNLIKELY(!fits))
        report_finding(&f);
    return true;
}
