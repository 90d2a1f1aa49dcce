/* Directly mapped chunks; see mapped.h. State: struct mapped_state, one a process. */
#include "core/mapped.h"

#include "base/check.h"
#include "base/probe.h"
#include "core/arena.h"
#include "core/limit.h"
#include "core/meta.h"
#include "core/trace.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

enum { YIELD_PART = 8 }; /* growth by this part of what is kept takes of it */

struct mapped_state mapped = {.lock = LOCK_INIT(RANK_MAPPED)};

static void mapped_link(struct mapped **list, struct mapped *m)
{
    m->prev = NULL;
    m->next = *list;
    if (*list != NULL)
        (*list)->prev = m;
    *list = m;
}

static void mapped_unlink(struct mapped **list, struct mapped *m)
{
    if (m->prev != NULL)
        m->prev->next = m->next;
    else
        *list = m->next;
    if (m->next != NULL)
        m->next->prev = m->prev;
}

/* Room for one more number; lock held. */
static bool mapped_grow_slots(void)
{
    size_t count = mapped.slot_count == 0 ? 64 : mapped.slot_count * 2;
    struct mapped **slots = meta_take(count * sizeof *slots);
    if (slots == NULL)
        return false;
    if (mapped.slot_count != 0) {
        memcpy(slots, mapped.slots, mapped.slot_count * sizeof *slots);
        meta_give(mapped.slots, mapped.slot_count * sizeof *slots);
    }
    mapped.slots = slots;
    mapped.slot_count = count;
    return true;
}

/* A record with a number, in no list; lock held. */
static struct mapped *mapped_record(void)
{
    struct mapped *m = mapped.unused;
    if (m != NULL) {
        mapped.unused = m->next;
        return m;
    }
    if (mapped.slot_free == mapped.slot_count && !mapped_grow_slots())
        return NULL;
    m = meta_take(sizeof *m);
    if (m != NULL) {
        m->slot = mapped.slot_free++;
        mapped.slots[m->slot] = m;
    }
    return m;
}

static void mapped_drop(struct mapped *m)
{
    m->chunk = NULL;
    m->start = 0;
    m->next = mapped.unused;
    mapped.unused = m;
}

/* Writes the header and the number, and counts the record as in use. Lock held. */
static void mapped_publish(struct mapped *m, struct chunk *c)
{
    size_t size = m->start + m->length - (uintptr_t)c;
    c->prev_size = m->slot;
    m->chunk = c;
    chunk_set_idle(&heap_keys, c, size, IS_MMAPPED | PREV_INUSE);
    chunk_flip(c);
    mapped_link(&mapped.live, m);
    mapped.count++;
    mapped.bytes += m->length;
    mapped.peak_count = max_size(mapped.peak_count, mapped.count);
    mapped.peak_bytes = max_size(mapped.peak_bytes, mapped.bytes);
}

/* A kept mapping that fits without much waste, or NULL. Learns from what was unmapped
 * too early. Lock held. */
static struct mapped *mapped_reuse(size_t length, const struct tune *t)
{
    for (struct mapped *m = mapped.kept; m != NULL; m = m->next) {
        if (m->length >= length && m->length - length <= length / 8) {
            mapped_unlink(&mapped.kept, m);
            mapped.kept_bytes -= m->length;
            mapped.reuses++;
            mapped.widened_until = os_clock_ms() + t->purge_hold_ms;
            return m;
        }
    }
    uint64_t now = os_clock_ms();
    if (now > mapped.widened_until)
        mapped.widened = 0;
    if (mapped.last_freed >= length / 2 && mapped.last_freed != 0 &&
        now - mapped.last_freed_at <= t->purge_hold_ms) {
        mapped.widened += mapped.last_freed;
        mapped.widened_until = now + t->purge_hold_ms;
        mapped.last_freed = 0;
    }
    return NULL;
}

static struct chunk *mapped_place(uintptr_t start, size_t align)
{
    return chunk_of((void *)align_up(start + CHUNK_HEADER, align));
}

/* Pages for `bytes` at `align`: start and length of the mapping; false on failure. */
static bool mapped_pages(size_t bytes, size_t align, uintptr_t *start, size_t *length)
{
    size_t page = os_page_size();
    size_t room = max_size(align, CHUNK_HEADER);
    if (add_overflows(bytes, room + page, length) || *length > PTRDIFF_MAX) {
        errno = ENOMEM;
        return false;
    }
    *length = align_down(*length - 1, page);
    size_t charged = *length;
    if (!limit_charge(charged))
        return false;
    char *memory = os_map(*length);
    if (memory == NULL) {
        limit_release(charged);
        return false;
    }
    /* With a large alignment, whole pages before and behind are not needed. */
    uintptr_t mem = align_up((uintptr_t)memory + CHUNK_HEADER, align);
    uintptr_t first = align_down(mem - CHUNK_HEADER, page);
    uintptr_t last = align_up(mem + bytes, page);
    if (first > (uintptr_t)memory)
        os_unmap(memory, first - (uintptr_t)memory);
    if (last < (uintptr_t)memory + *length)
        os_unmap((void *)last, (uintptr_t)memory + *length - last);
    *start = first;
    *length = last - first;
    limit_release(charged - *length);
    return true;
}

static void mapped_unmap(const struct mapped *m)
{
    PROBE2(unmap, m->start, m->length);
    os_unmap((void *)m->start, m->length);
    limit_release(m->length);
}

/* Unmaps kept mappings that are from before `oldest`, and others while all together are
 * more than `most` bytes. Returns bytes. */
static size_t mapped_unmap_kept(uint64_t oldest, size_t most)
{
    size_t total = 0;
    for (;;) {
        lock_take(&mapped.lock);
        struct mapped *m = mapped.kept;
        while (m != NULL && m->since >= oldest && mapped.kept_bytes <= most)
            m = m->next;
        if (m != NULL) {
            mapped_unlink(&mapped.kept, m);
            mapped.kept_bytes -= m->length;
            mapped.unmaps++;
        }
        lock_give(&mapped.lock);
        if (m == NULL)
            return total;
        trace(TRACE_UNMAP, m->length);
        mapped_unmap(m);
        total += m->length;
        lock_take(&mapped.lock);
        mapped_drop(m);
        lock_give(&mapped.lock);
    }
}

/* Before a fresh mapping: kept ones never push the sum above what was once live. */
static void mapped_make_room(size_t length)
{
    lock_take(&mapped.lock);
    size_t need = mapped.bytes + length;
    size_t most = mapped.peak_bytes > need ? mapped.peak_bytes - need : 0;
    bool too_much = mapped.kept_bytes > most;
    lock_give(&mapped.lock);
    if (too_much)
        mapped_unmap_kept(0, most);
}

bool mapped_has_room(const struct tune *t)
{
    return atomic_load_explicit(&mapped.count, memory_order_relaxed) < t->mmap_max;
}

struct chunk *mapped_take(size_t bytes, size_t align, const struct tune *t,
                          bool *zeroed)
{
    size_t page = os_page_size();
    size_t estimate;
    *zeroed = true;
    if (align < CHUNK_ALIGN)
        align = CHUNK_ALIGN;
    if (add_overflows(bytes, page + CHUNK_HEADER, &estimate) ||
        estimate > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    lock_take(&mapped.lock);
    struct mapped *m = NULL;
    if (align <= page)
        m = mapped_reuse(align_up(bytes + max_size(align, CHUNK_HEADER), page), t);
    bool reused = m != NULL;
    if (!reused)
        m = mapped_record();
    if (m == NULL) {
        lock_give(&mapped.lock);
        errno = ENOMEM;
        return NULL;
    }
    lock_give(&mapped.lock);
    *zeroed = !reused;
    if (!reused)
        mapped_make_room(bytes);
    bool got = reused || mapped_pages(bytes, align, &m->start, &m->length);
    lock_take(&mapped.lock);
    struct chunk *c = NULL;
    if (got) {
        mapped.maps += !reused;
        m->owner = NULL;
        c = mapped_place(m->start, align);
        mapped_publish(m, c);
        PROBE2(map, m->start, m->length);
        trace(reused ? TRACE_MAP_REUSE : TRACE_MAP, m->length);
    } else {
        mapped_drop(m);
    }
    lock_give(&mapped.lock);
    return c;
}

/* Another thread has just freed the block, or moves it. */
static bool mapped_is_taken(const struct mapped *m, const struct chunk *c)
{
    return m->chunk == c ? m->is_moving
                         : m->chunk == NULL && (uintptr_t)c - m->start < m->length;
}

/* The record of a live mapped chunk; number and size are checked, not trusted. Lock
 * held. */
static struct mapped *mapped_of(const struct chunk *c)
{
    uint64_t slot = c->prev_size;
    struct mapped *m = slot < mapped.slot_free ? mapped.slots[slot] : NULL;
    GUARD(m == NULL || !mapped_is_taken(m, c),
          "double free, or a race: another thread frees or resizes the block just now",
          mem_of(c));
    GUARD(m != NULL && m->chunk == c, "corrupted prev_size of a mapped block",
          mem_of(c));
    GUARD(chunk_size(c) == m->start + m->length - (uintptr_t)c,
          "corrupted size of a mapped block: not that of its mapping", mem_of(c));
    return m;
}

void mapped_verify(const struct chunk *c)
{
    if (lock_is_mine(&mapped.lock)) /* a signal handler came between */
        return;
    lock_take(&mapped.lock);
    mapped_of(c);
    lock_give(&mapped.lock);
}

/* Takes it off its owner's list. Lock held. */
static void mapped_disown(struct mapped *m)
{
    if (m->owner == NULL)
        return;
    *m->owned_link = m->owned_next;
    if (m->owned_next != NULL)
        m->owned_next->owned_link = m->owned_link;
    m->owner = NULL;
}

/* What a heap serves from now on, nobody would ask for again. */
static bool mapped_may_keep(const struct mapped *m, uint64_t now, const struct tune *t)
{
    return now <= mapped.widened_until && m->length > t->mmap_threshold &&
           mapped.kept_bytes + m->length <= mapped.widened;
}

void mapped_give(struct chunk *c, struct tune *t)
{
    uint64_t now = os_clock_ms();
    lock_take(&mapped.lock);
    struct mapped *m = mapped_of(c);
    mapped_unlink(&mapped.live, m);
    mapped_disown(m);
    mapped.count--;
    mapped.bytes -= m->length;
    m->chunk = NULL;
    if (t->dynamic != 0 && m->length > t->mmap_threshold &&
        m->length <= t->mmap_threshold_max) {
        t->mmap_threshold = m->length;
        t->trim_threshold = 2 * m->length;
    }
    bool keep = mapped_may_keep(m, now, t), others = mapped.kept != NULL;
    trace(keep ? TRACE_MAP_KEEP : TRACE_UNMAP, m->length);
    if (keep) {
        /* With M it would look like a binned chunk's. */
        chunk_set_idle(&heap_keys, c, chunk_size(c), IDLE_OUT | PREV_INUSE);
        m->since = now;
        if (!others)
            mapped.yielded = 0; /* what grew before is past */
        mapped_link(&mapped.kept, m);
        mapped.kept_bytes += m->length;
        limit_note_kept(now + t->purge_hold_ms);
    } else {
        mapped.last_freed = m->length;
        mapped.last_freed_at = now;
        mapped.unmaps++;
    }
    lock_give(&mapped.lock);
    if (!keep) {
        mapped_unmap(m);
        lock_take(&mapped.lock);
        mapped_drop(m);
        lock_give(&mapped.lock);
    }
    if (others)
        mapped_expire(t, false);
}

/* Where the pages of a mapping are once it has this length; NULL: they are as they were. */
static void *mapped_move(const struct mapped *m, size_t length)
{
    size_t old = m->length;
    if (length > old && !limit_charge(length - old))
        return NULL;
    void *moved = os_remap((void *)m->start, old, length, true);
    if (moved == NULL)
        limit_release(length > old ? length - old : 0);
    else
        limit_release(length < old ? old - length : 0);
    return moved;
}

struct chunk *mapped_resize(struct chunk *c, size_t bytes)
{
    size_t page = os_page_size(), length;
    lock_take(&mapped.lock);
    struct mapped *m = mapped_of(c);
    size_t old = m->length, before = (uintptr_t)c - m->start;
    bool possible = !add_overflows(bytes, before + CHUNK_HEADER + page, &length) &&
                    length <= PTRDIFF_MAX;
    length = align_down(length - 1, page);
    m->is_moving = possible && length != old;
    lock_give(&mapped.lock);
    if (!possible || length == old)
        return possible ? c : NULL;
    void *moved = mapped_move(m, length);
    lock_take(&mapped.lock);
    m->is_moving = false;
    if (moved == NULL) {
        /* The caller goes by its header again, which was anybody's while the kernel took
         * its time. */
        arena_size_again(c, old - before, old - before);
        lock_give(&mapped.lock);
        return NULL;
    }
    mapped_unlink(&mapped.live, m);
    mapped.count--;
    mapped.bytes -= m->length;
    mapped.remaps++;
    trace(TRACE_MAP_RESIZE, length);
    m->start = (uintptr_t)moved;
    m->length = length;
    c = chunk_at((struct chunk *)moved, before);
    mapped_publish(m, c);
    lock_give(&mapped.lock);
    return c;
}

void mapped_set_owner(struct chunk *c, const void *owner, struct mapped **list)
{
    lock_take(&mapped.lock);
    struct mapped *m = mapped_of(c);
    m->owner = owner;
    m->owned_next = *list;
    m->owned_link = list;
    if (*list != NULL)
        (*list)->owned_link = &m->owned_next;
    *list = m;
    lock_give(&mapped.lock);
}

const void *mapped_owner(struct chunk *c)
{
    lock_take(&mapped.lock);
    const void *owner = mapped_of(c)->owner;
    lock_give(&mapped.lock);
    return owner;
}

struct chunk *mapped_of_list(struct mapped *const *list)
{
    lock_take(&mapped.lock);
    struct chunk *c = *list == NULL ? NULL : (*list)->chunk;
    lock_give(&mapped.lock);
    return c;
}

bool mapped_at(size_t slot, struct mapped_view *view)
{
    lock_take(&mapped.lock);
    bool exists = slot < mapped.slot_free;
    *view = (struct mapped_view){NULL, NULL};
    if (exists)
        *view =
            (struct mapped_view){mapped.slots[slot]->chunk, mapped.slots[slot]->owner};
    lock_give(&mapped.lock);
    return exists;
}

/* Whether the heaps grew by enough: a whole mapping may go for it. Lock held. */
static bool mapped_yields(void)
{
    return mapped.yielded > mapped.kept_bytes / YIELD_PART;
}

void mapped_yield(size_t bytes)
{
    if (!limit_is_peak(0) || lock_is_mine(&mapped.lock) ||
        !lock_take_or_leave(&mapped.lock))
        return;
    if (mapped.kept_bytes != 0)
        mapped.yielded += bytes;
    if (mapped_yields())
        limit_note_kept(1);
    lock_give(&mapped.lock);
}

/* How many of the kept bytes may stay. */
static size_t mapped_may_stay(void)
{
    size_t most = SIZE_MAX;
    lock_take(&mapped.lock);
    if (mapped_yields()) {
        most = mapped.kept_bytes - min_size(mapped.yielded, mapped.kept_bytes);
        mapped.yielded = 0;
    }
    lock_give(&mapped.lock);
    return most;
}

bool mapped_is_peak(size_t bytes)
{
    if (!limit_is_peak(bytes))
        return false;
    lock_take(&mapped.lock);
    size_t kept = mapped.kept_bytes;
    lock_give(&mapped.lock);
    return bytes > kept && limit_is_peak(bytes - kept);
}

size_t mapped_expire(const struct tune *t, bool all)
{
    uint64_t now = os_clock_ms();
    uint64_t hold = min_size(t->purge_hold_ms, now);
    size_t most = mapped_may_stay();
    size_t got = mapped_unmap_kept(now - hold, all ? 0 : most);
    lock_take(&mapped.lock);
    if (mapped.kept != NULL)
        limit_note_kept(now + hold);
    lock_give(&mapped.lock);
    return got;
}

size_t mapped_kept_resident(void)
{
    size_t sum = 0;
    lock_take(&mapped.lock);
    for (const struct mapped *m = mapped.kept; m != NULL; m = m->next)
        sum += os_resident((const void *)m->start, m->length);
    lock_give(&mapped.lock);
    return sum;
}
