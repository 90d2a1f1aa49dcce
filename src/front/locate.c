/* Finding the owner of an address; see locate.h. State: a window of copied memory. */
#include "front/locate.h"

#include "base/check.h"
#include "core/meta.h"
#include "front/checked.h"
#include "front/quarantine.h"
#include "os/os.h"

#include <limits.h>
#include <string.h>

enum { WINDOW = 32 * KIB, LIST_MOST = 1 << 20 };

SELDOM static struct {
    uintptr_t start;
    size_t length;
    unsigned char bytes[WINDOW];
} locate_window;

/* 16 bytes at `address`, through the window. */
static bool locate_read(uintptr_t address, struct chunk *head)
{
    uintptr_t at = address - locate_window.start;
    if (at >= locate_window.length || locate_window.length - at < CHUNK_HEADER) {
        locate_window.start = address;
        locate_window.length =
            os_peek((const void *)address, locate_window.bytes, WINDOW);
        if (locate_window.length < CHUNK_HEADER)
            return false;
        at = 0;
    }
    memcpy(head, locate_window.bytes + at, CHUNK_HEADER);
    return true;
}

/* As chunk_verdict, of a copied header. */
static enum view_kind locate_kind_of(uintptr_t chunk, const struct chunk *head)
{
    const struct chunk *c = (const struct chunk *)chunk;
    uint32_t verdict =
        load_word(&head->tag) ^ chunk_tag(&heap_keys, mem_of(c), chunk_word(head));
    return verdict == 0 ? VIEW_LIVE : verdict == CHECK_MASK ? VIEW_IDLE : VIEW_WRONG;
}

bool locate_view(uintptr_t chunk, struct view *v)
{
    struct chunk head;
    memset(v, 0, sizeof *v);
    if ((chunk & (CHUNK_ALIGN - 1)) != 0 || !locate_read(chunk, &head))
        return false;
    v->chunk = chunk;
    v->kind = locate_kind_of(chunk, &head);
    v->prev_size = head.prev_size;
    v->bits = chunk_bits(&head);
    v->size = chunk_size(&head);
    return true;
}

/* Whether the keyed bytes in front of `end` bear out that this is the block's slack. */
static bool locate_is_backed(const struct view *v, uintptr_t end, size_t slack)
{
    unsigned char keyed[CANARY_MOST];
    if (checked_level == 0)
        return slack <= v->bytes;
    if (!canary_can_be(slack, v->bytes))
        return false;
    size_t length = canary_length(slack);
    const void *mem = (const void *)(end - v->bytes);
    return os_peek((const void *)(end - slack), keyed, length) == length &&
           canary_is_backed(keyed, slack, v->bytes, canary_hash_of(mem, v->bits));
}

/* What was asked, for a live block whose size can be believed. */
static void locate_request(struct view *v)
{
    if (v->kind != VIEW_LIVE)
        return;
    bool is_mapped = (v->bits & IS_MMAPPED) != 0;
    v->bytes = v->size - (is_mapped ? CHUNK_MAPPED_OVERHEAD : CHUNK_OVERHEAD);
    if (checked_level == 0 && (v->bits & HAS_REQUEST) == 0)
        return;
    unsigned char tail[CANARY_TAIL];
    uintptr_t end = v->chunk + CHUNK_HEADER + v->bytes;
    if (os_peek((const void *)(end - sizeof tail), tail, sizeof tail) != sizeof tail)
        return;
    size_t slack = canary_slack(tail);
    v->recorded = locate_is_backed(v, end, slack);
    v->overwritten = !v->recorded && checked_level != 0;
    if (v->recorded || v->overwritten)
        v->bytes -= v->recorded ? slack : CANARY_LEAST;
}

/* A header of what was the top once, and is inside of blocks now. */
static bool locate_was_top(const struct located *l, const struct view *v, uintptr_t end)
{
    return v->kind == VIEW_IDLE && (v->bits & IDLE_STATE) == IDLE_OUT &&
           v->chunk + v->size == end &&
           (l->arena == NULL || v->chunk != (uintptr_t)l->arena->top);
}

/* The next address from `from` on that starts a chunk with a right header, followed by
 * another one: the odds of meeting such by chance are 1 in 2^30. */
static uintptr_t locate_resync(const struct located *l, uintptr_t from, uintptr_t end)
{
    for (uintptr_t at = from; at < end; at += CHUNK_ALIGN) {
        struct view v, next;
        if (!locate_view(at, &v))
            return end;
        if (v.kind == VIEW_WRONG || v.size < FENCE_SIZE ||
            v.size > end - at + CHUNK_HEADER || locate_was_top(l, &v, end))
            continue;
        if (v.size == FENCE_SIZE ||
            (locate_view(at + v.size, &next) && next.kind != VIEW_WRONG))
            return at;
    }
    return end;
}

/* The chunk at `at`, made usable for a step even if its header is wrong. */
static bool locate_step(struct located *l, uintptr_t at, uintptr_t fence,
                        struct view *v)
{
    if (at > fence || !locate_view(at, v))
        return false;
    if (at == fence) {
        v->kind = VIEW_FENCE;
        v->size = CHUNK_HEADER;
        return true;
    }
    if (v->kind == VIEW_WRONG || v->size < CHUNK_MIN || v->size > fence - at) {
        v->kind = VIEW_WRONG;
        v->size = locate_resync(l, at + CHUNK_ALIGN, fence) - at;
        if (l->walked_to == 0) {
            l->walked_to = at;
            l->walked_size = v->size;
        }
    } else if (l->arena != NULL && at == (uintptr_t)l->arena->top) {
        v->kind = VIEW_TOP;
    }
    return true;
}

/* Too many bytes differ when neither the check nor all that it is made from is left. */
static unsigned locate_wrong_bytes(uint64_t wrong)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof wrong; i++)
        count += (wrong >> 8 * i & 0xff) != 0;
    return wrong >> 48 == 0 || (uint32_t)wrong == 0 ? count : UINT_MAX;
}

bool locate_header(const struct located *l, uint64_t *header)
{
    unsigned least = UINT_MAX;
    struct chunk head;
    if (!locate_read(l->walked_to, &head))
        return false;
    const void *mem = mem_of((const struct chunk *)l->walked_to);
    uint64_t now = chunk_head(&head);
    for (uint32_t flags = 0; flags <= CHUNK_FLAGS; flags += 2) {
        uint64_t word = l->walked_size | flags;
        uint32_t live = chunk_tag(&heap_keys, mem, word);
        for (unsigned idle = 0; idle < 2; idle++) {
            uint64_t tag = live ^ (idle != 0 ? CHECK_MASK : 0);
            uint64_t right = tag << 32 | (uint32_t)word | (now & PREV_INUSE);
            unsigned wrong = locate_wrong_bytes(now ^ right);
            if (wrong < least) {
                least = wrong;
                *header = right;
            }
        }
    }
    return least != UINT_MAX;
}

static void locate_walk(struct located *l, uintptr_t target)
{
    uintptr_t fence = l->heap.end - CHUNK_HEADER;
    uintptr_t at = (uintptr_t)l->heap.first;
    struct view v;
    l->kind = LOCATED_NO_CHUNK;
    locate_window.length = 0;
    while (locate_step(l, at, fence, &v)) {
        if (target < at)
            return;
        if (target < at + v.size) {
            l->kind = LOCATED_HEAP;
            l->at = v;
            locate_request(&l->before);
            locate_request(&l->at);
            if (v.kind != VIEW_FENCE && locate_step(l, at + v.size, fence, &l->after))
                locate_request(&l->after);
            return;
        }
        l->before = v;
        at += v.size;
    }
}

/* The heap with this address, copied; heaps come and go, hence the safe reads. */
static bool locate_heap(struct located *l, uintptr_t address)
{
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a)) {
        const struct heap *h = a->heaps;
        for (unsigned i = 0; h != NULL && i < LIST_MOST; i++) {
            if (os_peek(h, &l->heap, sizeof l->heap) != sizeof l->heap ||
                l->heap.magic != HEAP_MAGIC)
                break;
            if (address - l->heap.start < l->heap.limit - l->heap.start) {
                l->arena = a;
                return true;
            }
            h = l->heap.next;
        }
    }
    return false;
}

/* A heap that no arena owns keeps its reserve, and its first page. */
static bool locate_spare(uintptr_t address)
{
    const struct heap *h = heap_spare.first;
    struct heap copy;
    for (unsigned i = 0; h != NULL && i < LIST_MOST; i++, h = copy.next) {
        if (address - (uintptr_t)h < HEAP_SPAN)
            return true;
        if (os_peek(h, &copy, sizeof copy) != sizeof copy || copy.arena != NULL)
            break;
    }
    return false;
}

static bool locate_records(uintptr_t address)
{
    for (const struct meta_region *r = meta.regions; r != NULL; r = r->next)
        if (address - (uintptr_t)r < r->size)
            return true;
    return false;
}

/* Records are never unmapped; the lists may change under the reader. */
static bool locate_mapped(struct located *l, uintptr_t address,
                          const struct mapped *list, enum locate_kind kind)
{
    for (unsigned i = 0; list != NULL && i < LIST_MOST; i++, list = list->next) {
        if (address - list->start >= list->length)
            continue;
        l->kind = kind;
        if (list->chunk != NULL && locate_view((uintptr_t)list->chunk, &l->at)) {
            size_t room = list->start + list->length - l->at.chunk;
            if (l->at.kind != VIEW_LIVE || l->at.size != room) {
                l->at.kind = VIEW_WRONG;
                l->at.size = room;
            }
            locate_request(&l->at);
        }
        return true;
    }
    return false;
}

void locate(uintptr_t address, struct located *l)
{
    memset(l, 0, sizeof *l);
    locate_window.length = 0;
    if (locate_heap(l, address)) {
        /* A stable picture, if it can be had without waiting for long. */
        for (int i = 0; i < 10000 && !lock_is_mine(&l->arena->lock); i++) {
            l->locked = lock_try(&l->arena->lock);
            if (l->locked)
                break;
            cpu_relax();
        }
        locate_walk(l, address - CHUNK_HEADER);
        return;
    }
    if (locate_mapped(l, address, mapped.live, LOCATED_MAPPED) ||
        locate_mapped(l, address, mapped.kept, LOCATED_KEPT))
        return;
    if (locate_spare(address))
        l->kind = LOCATED_SPARE;
    else if (locate_records(address))
        l->kind = LOCATED_RECORDS;
}

void locate_done(const struct located *l)
{
    if (l->locked)
        lock_give(&l->arena->lock);
}

static bool locate_in_magazines(const struct magazine *m, const void *mem)
{
    for (unsigned i = 0; m != NULL && i < LIST_MOST; i++, m = m->next)
        for (uint32_t slot = 0; slot < m->count && slot < MAGAZINE_SLOTS; slot++)
            if (magazine_at(m, slot) == mem)
                return true;
    return false;
}

static bool locate_in_cache(const struct cache *k, const void *mem)
{
    for (unsigned class = 1; class < CLASS_COUNT; class ++) {
        void **base = k->state[class].base;
        if (base == NULL)
            continue;
        for (void **at = base; at < k->stack[class].top && at < base + 1024; at++)
            if (*at == mem)
                return true;
    }
    return false;
}

static void locate_say_out(struct text *t, const struct located *l, const void *mem)
{
    const struct cache *k = cache_list;
    for (unsigned i = 0; k != NULL && i < LIST_MOST; i++, k = k->next) {
        if (locate_in_cache(k, mem)) {
            text_add(t, "in the cache of thread %u", k->thread);
            return;
        }
    }
    for (unsigned class = 1; class < CLASS_COUNT; class ++) {
        if (locate_in_magazines(l->arena->depot.full[class], mem)) {
            text_add(t, "in the depot of arena %u", l->arena->index);
            return;
        }
    }
    if (locate_in_magazines(atomic_load(&l->arena->remote.list), mem))
        text_add(t, "on the remote list of arena %u", l->arena->index);
    else if (quarantine_holds(mem))
        text_add(t, "in quarantine");
    else
        text_add(t, "on its way between caches and arena %u", l->arena->index);
}

void locate_say(struct text *t, const struct located *l)
{
    const void *mem = mem_of((const struct chunk *)l->at.chunk);
    if (l->kind == LOCATED_MAPPED || l->kind == LOCATED_KEPT) {
        text_add(t, "mapping of its own%s",
                 l->kind == LOCATED_KEPT ? ", freed and kept for a while" : "");
        return;
    }
    if (l->at.kind == VIEW_TOP)
        text_add(t, "top chunk");
    else if (l->at.kind == VIEW_LIVE)
        text_add(t, "in use");
    else if (l->at.kind != VIEW_IDLE)
        text_add(t, "unknown");
    else if ((l->at.bits & IDLE_STATE) == IDLE_FAST)
        text_add(t, "fast bin 0x%zx", l->at.size);
    else if ((l->at.bits & IDLE_STATE) == IDLE_UNSORTED)
        text_add(t, "unsorted bin");
    else if ((l->at.bits & IDLE_STATE) == IDLE_BINNED)
        text_add(t, "%s bin %u", l->at.size < LARGE_MIN ? "small" : "large",
                 bin_index(l->at.size));
    else
        locate_say_out(t, l, mem);
    text_add(t, "; arena %u, heap %p", l->arena->index, (void *)l->heap.start);
}
