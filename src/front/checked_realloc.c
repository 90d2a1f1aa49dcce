/* realloc of checked blocks; see checked.h. No state. */
#include "front/checked.h"

#include "core/mapped.h"
#include "front/fault.h"
#include "front/guard.h"
#include "front/options.h"
#include "front/report.h"
#include "front/thread.h"

#include <string.h>

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

/* Only requests are recorded: the block goes where it would go without that. What recorded
 * its bytes when it was taken, a guarded one too, is left alone. With a fill byte what is
 * new is filled, as what is freed. */
static void *checked_recorded(struct chunk *c, size_t old_bytes, size_t bytes)
{
    if (tune.perturb != 0 && !chunk_is_mapped(c) && bytes > chunk_usable(c))
        return checked_move(c, old_bytes, bytes, FAMILY_MALLOC);
    checked_forget(c);
    void *mem = realloc_plain(c, bytes);
    struct chunk *now = mem == NULL ? c : chunk_of(mem);
    if ((chunk_bits(now) & HAS_REQUEST) == 0 && !guard_owns(now))
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
    bool guarded = guard_owns(c);
    if (!guarded && !thread_is_slow()) /* level 3 only samples */
        return realloc_plain(c, bytes);
    size_t old_bytes = checked_request(c, FAMILY_MALLOC);
    if (!guarded && checked_level == 0)
        return checked_recorded(c, old_bytes, bytes);
    enum family family = guarded
                             ? (enum family)guard_of(c)->family
                             : canary_read(mem_of(c), arena_usable_again(c, 0)).family;
    if (checked_level != 0)
        checked_realloc_family(mem_of(c), family);
    if (guarded)
        return checked_move(c, old_bytes, bytes, family);
    bool stays = checked_stays(arena_usable_again(c, 0), bytes);
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
    if (bytes > old_bytes && !chunk_is_mapped(c))
        checked_perturb((char *)mem_of(c) + old_bytes, bytes - old_bytes);
    checked_record(c, bytes, family);
    return mem_of(c);
}
