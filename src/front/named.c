/* Named heaps; see named.h. No state: a heap's is its arena, which the handle points to.
 * Blocks from the threshold on are mapped, and their records name the heap. */
#include "front/named.h"

#include "base/check.h"
#include "chunky.h"
#include "core/mapped.h"
#include "front/canary.h"
#include "front/checked.h"
#include "front/fault.h"
#include "front/guard.h"
#include "front/options.h"
#include "front/thread.h"
#include "front/upkeep.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

struct arena *named_find(struct chunk *c)
{
    if (guard_owns(c))
        return NULL;
    if (chunk_is_mapped(c))
        return (struct arena *)(uintptr_t)mapped_owner(c);
    struct arena *a = arena_of(mem_of(c));
    return arena_is_shared(a) ? NULL : a;
}

struct arena *named_arena(struct chunky_heap *heap)
{
    struct arena *a = (struct arena *)(void *)heap;
    GUARD(a->kind == ARENA_NAMED, "heap: destroyed already, or never created", heap);
    return a;
}

static struct chunk *named_verify(const struct arena *a, const void *mem,
                                  const char *verb)
{
    struct chunk *c = malloc_verify(mem, verb);
    GUARD(c != NULL && named_of(c) == a, "heap: the block is not of this heap", mem);
    return c;
}

/* Bytes that a chunk has to hold for `bytes`: there is always slack to record. */
static size_t named_room(size_t bytes)
{
    return bytes + (checked_level == 0 ? 1 : CANARY_LEAST);
}

/* A live chunk, in use before or not, becomes a block with its request recorded. Whoever has
 * an old pointer may be writing to its header, so what is signed was verified. Returns its
 * size. */
static size_t named_publish(struct chunk *c, size_t bytes, uint32_t flags)
{
    size_t usable = arena_usable_again(c, bytes);
    if (checked_level != 0)
        canary_write(mem_of(c), bytes, usable, FAMILY_MALLOC);
    else
        canary_write_slack(mem_of(c), bytes, usable);
    size_t size =
        usable + ((flags & IS_MMAPPED) != 0 ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD);
    chunk_set_idle(&heap_keys, c, size,
                   flags | HAS_REQUEST | (chunk_bits(c) & PREV_INUSE));
    chunk_flip(c);
    return size;
}

/* Counts `size` more bytes; false when the heap's limit forbids. */
static bool named_charge(struct arena *a, size_t size)
{
    size_t used = atomic_fetch_add_explicit(&a->used, size, memory_order_relaxed);
    if (a->limit == 0 || (used <= a->limit && size <= a->limit - used))
        return true;
    atomic_fetch_sub_explicit(&a->used, size, memory_order_relaxed);
    errno = ENOMEM;
    return false;
}

static void named_discharge(struct arena *a, size_t size)
{
    atomic_fetch_sub_explicit(&a->used, size, memory_order_relaxed);
}

/* The kernel shows the name beside what is committed, where it can. */
static void named_show(const struct arena *a)
{
    char text[ARENA_NAME + sizeof "chunky "] = "chunky ";
    const struct heap *h = NULL;
    unsigned seen = 0;
    memcpy(text + 7, a->name, ARENA_NAME);
    while ((h = arena_next_heap(a, h, &seen)) != NULL)
        os_name((void *)h->start, heap_size(h), text);
}

static struct chunk *named_from_arena(struct arena *a, size_t bytes, size_t align)
{
    size_t size = chunk_size_for(named_room(bytes));
    arena_lock(a);
    size_t before = a->heap_bytes;
    struct chunk *c = align <= CHUNK_ALIGN ? arena_take(a, size, NULL)
                                           : arena_take_aligned(a, size, align);
    if (c != NULL)
        chunk_flip(c);
    if (c != NULL && !named_charge(a, arena_size_again(c, size, SIZE_MAX))) {
        chunk_flip(c);
        arena_give(a, c);
        c = NULL;
    }
    if (c != NULL)
        named_publish(c, bytes, a->flags);
    if (a->heap_bytes > before)
        named_show(a);
    arena_settle(a);
    arena_unlock(a);
    return c;
}

static struct chunk *named_from_mapping(struct arena *a, size_t bytes, size_t align)
{
    bool zeroed;
    if (a->limit != 0 && bytes > a->limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct chunk *c = mapped_take(named_room(bytes), align, &tune, &zeroed);
    if (c == NULL)
        return NULL;
    if (!named_charge(a, chunk_size(c))) {
        chunk_flip(c);
        mapped_give(c, &tune);
        return NULL;
    }
    mapped_set_owner(c, a, &a->mapped);
    named_publish(c, bytes, IS_MMAPPED);
    return c;
}

/* align is a power of two. */
static void *named_take(struct arena *a, size_t bytes, size_t align)
{
    size_t room;
    if (add_overflows(bytes, align, &room) || room > PTRDIFF_MAX - 65536) {
        errno = ENOMEM;
        return NULL;
    }
    upkeep();
    bool direct = room >= tune.mmap_threshold && mapped_has_room(&tune);
    struct chunk *c = direct ? named_from_mapping(a, bytes, align) : NULL;
    if (c == NULL)
        c = named_from_arena(a, bytes, align);
    if (c == NULL && !direct)
        c = named_from_mapping(a, bytes, align);
    AUDIT_ALL();
    if (c == NULL)
        return NULL;
    atomic_fetch_add_explicit(&a->blocks, 1, memory_order_relaxed);
    checked_perturb(mem_of(c), bytes);
    return mem_of(c);
}

void named_free(struct arena *a, struct chunk *c)
{
    size_t bytes =
        checked_request(c, FAMILY_MALLOC); /* and a broken canary is a finding */
    checked_perturb_freed(mem_of(c), bytes);
    named_discharge(a, chunk_size(c));
    atomic_fetch_sub_explicit(&a->blocks, 1, memory_order_relaxed);
    if (chunk_is_mapped(c)) {
        chunk_set_idle(&heap_keys, c, chunk_size(c), IS_MMAPPED);
        void *mem = mem_of(c);
        mapped_give(c, &tune);
        if (checked_level != 0)
            fault_note_unmapped(mem, bytes);
        return;
    }
    arena_lock(a);
    chunk_set_idle(&heap_keys, c, arena_size_again(c, CHUNK_MIN, SIZE_MAX),
                   IDLE_OUT | (chunk_bits(c) & (PREV_INUSE | NON_MAIN_ARENA)));
    arena_give(a, c);
    arena_settle(a);
    arena_unlock(a);
}

/* In place: the same chunk, cut or grown into what lies behind it. */
static bool named_resize(struct arena *a, struct chunk *c, size_t bytes)
{
    size_t have = chunk_size(c), size = chunk_size_for(named_room(bytes));
    bool done = size <= have;
    arena_lock(a);
    if (done)
        arena_shrink(a, c, size);
    else if (named_charge(a, size - have)) {
        done = arena_extend(a, c, size);
        named_discharge(a, size - have);
    }
    if (done)
        atomic_fetch_add_explicit(&a->used, named_publish(c, bytes, a->flags) - have,
                                  memory_order_relaxed);
    arena_settle(a);
    arena_unlock(a);
    return done;
}

static struct chunk *named_resize_mapped(struct arena *a, struct chunk *c, size_t bytes)
{
    size_t have = chunk_size(c), old = checked_request(c, FAMILY_MALLOC);
    size_t more = bytes > have ? bytes - have : 0;
    if (bytes < tune.mmap_threshold / 2 || !named_charge(a, more))
        return NULL;
    named_discharge(a, more);
    checked_forget(c);
    struct chunk *moved = mapped_resize(c, named_room(bytes));
    struct chunk *now = moved == NULL ? c : moved;
    size_t size = named_publish(now, moved == NULL ? old : bytes, IS_MMAPPED);
    atomic_fetch_add_explicit(&a->used, size - have, memory_order_relaxed);
    return moved;
}

void *named_realloc(struct arena *a, struct chunk *c, size_t bytes)
{
    size_t old = checked_request(c, FAMILY_MALLOC);
    if (bytes > PTRDIFF_MAX - 65536) {
        errno = ENOMEM;
        return NULL;
    }
    if (chunk_is_mapped(c)) {
        struct chunk *moved = named_resize_mapped(a, c, bytes);
        if (moved != NULL)
            return mem_of(moved);
    } else if (named_resize(a, c, bytes)) {
        return mem_of(c);
    }
    void *mem = named_take(a, bytes, CHUNK_ALIGN);
    if (mem == NULL)
        return NULL;
    memcpy(mem, mem_of(c), min_size(old, bytes));
    arena_size_again(c, old, SIZE_MAX); /* free goes by its header, and malloc waited */
    named_free(a, c);
    return mem;
}

/* --- the public calls ---------------------------------------------------------- */

PUBLIC struct chunky_heap *chunky_heap_create(const char *name, size_t limit)
{
    if (name == NULL || name[0] == '\0') {
        errno = EINVAL;
        return NULL;
    }
    thread_start_process();
    struct arena *a = arena_create_named(&tune, name);
    if (a != NULL)
        a->limit = limit;
    AUDIT_ALL();
    return (struct chunky_heap *)(void *)a;
}

PUBLIC void *chunky_heap_malloc(struct chunky_heap *heap, size_t bytes)
{
    return named_take(named_arena(heap), bytes, CHUNK_ALIGN);
}

PUBLIC void *chunky_heap_calloc(struct chunky_heap *heap, size_t count, size_t each)
{
    size_t bytes;
    struct arena *a = named_arena(heap);
    if (multiply_overflows(count, each, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *mem = named_take(a, bytes, CHUNK_ALIGN);
    return mem == NULL ? NULL : memset(mem, 0, bytes);
}

PUBLIC void *chunky_heap_aligned_alloc(struct chunky_heap *heap, size_t align,
                                       size_t bytes)
{
    struct arena *a = named_arena(heap);
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return named_take(a, bytes, max_size(align, CHUNK_ALIGN));
}

PUBLIC void chunky_heap_free(struct chunky_heap *heap, void *mem)
{
    struct arena *a = named_arena(heap);
    if (mem == NULL)
        return;
    int saved = errno;
    named_free(a, named_verify(a, mem, "chunky_heap_free"));
    AUDIT_ALL();
    errno = saved;
}

PUBLIC void *chunky_heap_realloc(struct chunky_heap *heap, void *mem, size_t bytes)
{
    struct arena *a = named_arena(heap);
    if (mem == NULL)
        return named_take(a, bytes, CHUNK_ALIGN);
    if (bytes == 0) {
        chunky_heap_free(heap, mem);
        return NULL;
    }
    int saved = errno;
    void *moved = named_realloc(a, named_verify(a, mem, "chunky_heap_realloc"), bytes);
    if (moved != NULL)
        errno = saved;
    AUDIT_ALL();
    return moved;
}

PUBLIC void chunky_heap_destroy(struct chunky_heap *heap)
{
    if (heap == NULL)
        return;
    int saved = errno;
    struct arena *a = named_arena(heap);
    struct chunk *c;
    while ((c = mapped_of_list(&a->mapped)) != NULL)
        named_free(a, named_verify(a, mem_of(c), "chunky_heap_destroy"));
    arena_destroy_named(a);
    AUDIT_ALL();
    errno = saved;
}

PUBLIC const char *chunky_heap_name(struct chunky_heap *heap)
{
    return named_arena(heap)->name;
}

PUBLIC struct chunky_heap *chunky_heap_of(const void *mem)
{
    if (mem == NULL)
        return NULL;
    struct chunk *c = malloc_verify(mem, "chunky_heap_of");
    struct arena *a = c == NULL ? NULL : named_of(c);
    return (struct chunky_heap *)(void *)a;
}

PUBLIC struct chunky_heap_stats chunky_heap_stats(struct chunky_heap *heap)
{
    struct arena *a = named_arena(heap);
    arena_lock(a);
    struct chunky_heap_stats s = {
        .blocks = a->blocks, .used = a->used, .limit = a->limit, .heap = a->heap_bytes};
    arena_unlock(a);
    return s;
}
