/* Guarded blocks; see guard.h. State: the reserve and its slots. */
#include "front/guard.h"

#include "audit/root.h"
#include "base/check.h"
#include "core/heap.h"
#include "front/options.h"
#include "front/report.h"
#include "front/thread.h"
#include "os/lock.h"
#include "os/os.h"

enum {
    GUARD_SLOTS = 65535,     /* one of them is none */
    GUARD_CLASSES = 9,       /* up to 256 pages */
    GUARD_LIVE_MOST = 16000, /* each costs two of the kernel's 65,530 mappings */
    GUARD_SHARE = 8,         /* of the addresses that are allowed, at most an eighth */
    GUARD_STEP = 4 << 20,    /* bytes by which the part for core files grows */
    GUARD_SAMPLE = 2048, /* mean of slow calls from one sampled block to the next, */
    GUARD_REST_MS = 8,   /* but no two within this, */
    GUARD_REST_PAGES = 4 /* and a millisecond for each so many pages of the first */
};

static struct {
    struct lock lock;
    struct guard *slots;            /* slot 0 is not used */
    uintptr_t start, bump, end;     /* the reserve; from bump on it is untouched */
    uintptr_t dumped;               /* what lies below belongs in core files */
    size_t room;                    /* bytes of the mapping of slots */
    uint32_t used;                  /* slots ever taken */
    uint32_t live;                  /* blocks now */
    size_t bytes;                   /* of their pages */
    uint32_t oldest[GUARD_CLASSES]; /* queues of freed slots, 0: empty */
    uint32_t newest[GUARD_CLASSES];
    uint32_t waiting[GUARD_CLASSES]; /* length of each */
    _Atomic uint64_t asked;          /* calls so far */
    _Atomic uint32_t sample;         /* as each cache's, of threads without one */
    _Atomic uint64_t rest_until;     /* clock, ms: no sample before */
} guards = {.lock = LOCK_INIT(RANK_GUARD), .sample = CACHE_FIRST_SAMPLE};

/* For those who ask from outside where blocks were taken and lie. */
static void guard_describe(void)
{
#define WORD(id, member)                                                               \
    {                                                                                  \
        id,                                                                            \
        {                                                                              \
            (uint32_t)((uintptr_t)&guards.member - root), sizeof guards.member, 1      \
        }                                                                              \
    }
#define PART(id, member)                                                               \
    {                                                                                  \
        id,                                                                            \
        {                                                                              \
            offsetof(struct guard, member), sizeof guards.slots->member, 1             \
        }                                                                              \
    }
#define STACK(id, member)                                                              \
    {                                                                                  \
        id,                                                                            \
        {                                                                              \
            offsetof(struct guard, member), sizeof guards.slots->member[0], FRAMES_MAX \
        }                                                                              \
    }
    uintptr_t root = (uintptr_t)&chunky_root;
    const struct {
        enum layout_id id;
        struct layout_field field;
    } told[] = {
        WORD(GUARDS_SLOTS_AT, slots),
        WORD(GUARDS_USED_AT, used),
        WORD(GUARDS_START_AT, start),
        WORD(GUARDS_BUMP_AT, bump),
        WORD(GUARDS_END_AT, end),
        WORD(GUARDS_ROOM_AT, room),
        {GUARD_RECORD_SIZE, {0, (uint16_t)sizeof(struct guard), 1}},
        PART(GUARD_RECORD_MEM, mem),
        PART(GUARD_RECORD_BYTES, bytes),
        PART(GUARD_RECORD_FROM, from),
        PART(GUARD_RECORD_TO, to),
        PART(GUARD_RECORD_STATE, state),
        PART(GUARD_RECORD_CLASS, class),
        PART(GUARD_RECORD_DEPTH, taken.count),
        PART(GUARD_RECORD_THREAD, taken.thread),
        STACK(GUARD_RECORD_STACK, taken.pc),
        PART(GUARD_RECORD_GIVEN_DEPTH, given.count),
        PART(GUARD_RECORD_GIVEN_THREAD, given.thread),
        STACK(GUARD_RECORD_GIVEN_STACK, given.pc),
    };
#undef WORD
#undef PART
#undef STACK
    for (unsigned i = 0; i < sizeof told / sizeof told[0]; i++)
        root_describe(told[i].id, told[i].field);
}

bool guard_start(void)
{
    static const size_t rooms[] = {(size_t)16 << 30, (size_t)1 << 30, 64 << 20,
                                   16 << 20};
    size_t page = os_page_size(), most = os_address_limit() / GUARD_SHARE, length = 0;
    void *start = NULL;
    for (unsigned i = 0; i < sizeof rooms / sizeof rooms[0] && start == NULL; i++) {
        length = rooms[i];
        start = length <= most ? os_reserve_aligned(length, page) : NULL;
    }
    size_t places = min_size(GUARD_SLOTS, length / (2 * page)); /* and a guard page */
    guards.room = align_up((places + 1) * sizeof(struct guard), page);
    struct guard *slots = start == NULL ? NULL : os_map(guards.room);
    if (slots == NULL)
        return false;
    os_name(start, length, "chunky guard");
    guards.start = guards.bump = (uintptr_t)start;
    guards.end = guards.start + length;
    guards.dumped = guards.start;
    os_dump(start, length, false); /* gcore would write all of it */
    guards.slots = slots;
    guard_describe();
    return true;
}

bool guard_is_due(void)
{
    if (guards.slots == NULL)
        return false;
    size_t rate = tune.guard_rate;
    if (rate != 0)
        return atomic_fetch_add_explicit(&guards.asked, 1, memory_order_relaxed) %
                   rate ==
               0;
    struct cache *k = thread_own();
    _Atomic uint32_t *sample = k == NULL ? &guards.sample : &k->sample;
    uint32_t left = atomic_load_explicit(sample, memory_order_relaxed);
    if (LIKELY(left != 0)) {
        atomic_store_explicit(sample, left - 1, memory_order_relaxed);
        return false;
    }
    uint64_t asked = atomic_fetch_add_explicit(&guards.asked, 1, memory_order_relaxed);
    uint64_t chance = multiply_fold(asked ^ heap_keys.address, heap_keys.word);
    atomic_store_explicit(sample, GUARD_SAMPLE / 2 + (uint32_t)(chance % GUARD_SAMPLE),
                          memory_order_relaxed);
    return os_clock_ms() >= guards.rest_until;
}

/* The oldest freed place of a class; lock held, the queue is not empty. */
static uint32_t guard_reuse(unsigned class)
{
    uint32_t slot = guards.oldest[class];
    guards.oldest[class] = guards.slots[slot].next;
    guards.waiting[class]--;
    return slot;
}

/* Whatever was used belongs in core files. Lock held. */
static void guard_dump(void)
{
    if (guards.bump <= guards.dumped)
        return;
    size_t size = min_size(align_up(guards.bump - guards.dumped, GUARD_STEP),
                           guards.end - guards.dumped);
    os_dump((void *)guards.dumped, size, true);
    guards.dumped += size;
}

/* A place for 1 << class pages: a fresh one as long as there are any, so that freed ones
 * stay out of use for long. 0: none. Lock held. */
static uint32_t guard_place(unsigned class)
{
    size_t page = os_page_size(), length = (((size_t)1 << class) + 1) * page;
    uint32_t slot = 0;
    if (guards.live >= GUARD_LIVE_MOST)
        return 0;
    if (guards.used < GUARD_SLOTS && guards.end - guards.bump >= length + page) {
        slot = ++guards.used;
        guards.slots[slot].class = class;
        guards.slots[slot].to = guards.bump + length;
        guards.bump += length;
        guard_dump();
    } else if (guards.waiting[class] != 0) {
        slot = guard_reuse(class);
    }
    if (slot != 0) {
        guards.slots[slot].state = GUARD_UNUSED;
        guards.live++;
    }
    return slot;
}

/* Appends a freed place to its queue; lock held. */
static void guard_retire(uint32_t slot)
{
    unsigned class = guards.slots[slot].class;
    guards.slots[slot].next = 0;
    if (guards.waiting[class] == 0)
        guards.oldest[class] = slot;
    else
        guards.slots[guards.newest[class]].next = slot;
    guards.newest[class] = slot;
    guards.waiting[class]++;
    guards.live--;
    guards.bytes -= guards.slots[slot].to - guards.slots[slot].from;
}

static void guard_write_slack(const struct guard *g)
{
    size_t slack = g->to - (g->mem + g->bytes);
    for (size_t i = 0; i < slack; i++)
        ((unsigned char *)g->mem)[g->bytes + i] =
            canary_byte((void *)g->mem, slack, (enum family)g->family, i);
}

static void guard_publish(struct guard *g, uint32_t slot)
{
    struct chunk *c = chunk_of((void *)g->mem);
    c->prev_size = GUARD_MARK | slot;
    chunk_set_idle(&heap_keys, c, g->to - (uintptr_t)c, IS_MMAPPED | PREV_INUSE);
    guard_write_slack(g);
    g->given.thread = 0;
    g->state = GUARD_LIVE;
    chunk_flip(c);
}

void *guard_take(size_t align, size_t bytes, enum family family)
{
    size_t page = os_page_size();
    size_t most = ((size_t)1 << (GUARD_CLASSES - 1)) * page;
    if (guards.slots == NULL || lock_is_mine(&guards.lock) || align > page ||
        bytes > most - page)
        return NULL;
    /* Measured from the end of the place, which is a multiple of the page. */
    size_t behind = align_up(bytes, max_size(align, CHUNK_ALIGN));
    size_t pages = align_up(behind + CHUNK_HEADER, page) / page;
    unsigned class = pages == 1 ? 0 : log2_floor(pages - 1) + 1;
    lock_take(&guards.lock);
    uint32_t slot = guard_place(class);
    struct guard *g = &guards.slots[slot];
    if (slot != 0) {
        g->from = g->to - pages * page;
        guards.bytes += pages * page;
    }
    lock_give(&guards.lock);
    if (slot == 0)
        return NULL;
    if (UNLIKELY(g->opened)) { /* the guard pages on both sides, too */
        size_t room = ((size_t)1 << g->class) * page;
        os_decommit((void *)(g->to - room - page), room + 2 * page);
        g->opened = false;
    }
    if (!os_commit((void *)g->from, pages * page)) {
        lock_take(&guards.lock);
        guard_retire(slot);
        lock_give(&guards.lock);
        return NULL;
    }
    g->mem = g->to - behind;
    g->bytes = bytes;
    g->family = family;
    frames_take(&g->taken);
    guard_publish(g, slot);
    if (tune.guard_rate == 0)
        guards.rest_until = os_clock_ms() + GUARD_REST_MS + pages / GUARD_REST_PAGES;
    return (void *)g->mem;
}

bool guard_owns(const struct chunk *c)
{
    if (!chunk_is_mapped(c) || (c->prev_size & GUARD_MARK) == 0 || guards.slots == NULL)
        return false;
    uint64_t slot = c->prev_size & ~GUARD_MARK;
    return slot != 0 && slot <= guards.used &&
           guards.slots[slot].mem == (uintptr_t)mem_of(c) &&
           guards.slots[slot].state == GUARD_LIVE;
}

const struct guard *guard_of(const struct chunk *c)
{
    return &guards.slots[c->prev_size & ~GUARD_MARK];
}

void guard_verify(const struct chunk *c)
{
    const struct guard *g = guard_of(c);
    const unsigned char *end = (const unsigned char *)(g->mem + g->bytes);
    size_t slack = g->to - (uintptr_t)end;
    struct finding f = {
        .rule = "heap overflow: the bytes behind the block were overwritten",
        .mem = (void *)g->mem,
        .boundary = (uintptr_t)end,
        .length = min_size(slack, REPORT_EXPECTED),
        .is_served = true};
    bool right = true;
    for (size_t i = 0; i < slack; i++) {
        unsigned char byte =
            canary_byte((void *)g->mem, slack, (enum family)g->family, i);
        if (i < f.length)
            f.expected[i] = byte;
        right = right && end[i] == byte;
    }
    if (LIKELY(right))
        return;
    report_finding(&f);
    guard_write_slack(g);
}

void guard_give(struct chunk *c)
{
    uint32_t slot = (uint32_t)(c->prev_size & ~GUARD_MARK);
    struct guard *g = &guards.slots[slot];
    guard_verify(c);
    if (lock_is_mine(&guards.lock)) { /* a handler came between: the place stays out */
        g->state = GUARD_FREED;
        os_decommit((void *)g->from, g->to - g->from);
        return;
    }
    lock_take(&guards.lock);
    bool live = g->state == GUARD_LIVE;
    g->state = GUARD_FREED;
    lock_give(&guards.lock);
    GUARD(live, "double free: two threads free this block at once", (void *)g->mem);
    frames_take(&g->given);
    os_decommit((void *)g->from, g->to - g->from);
    lock_take(&guards.lock);
    guard_retire(slot);
    lock_give(&guards.lock);
}

const struct guard *guard_find(uintptr_t address)
{
    if (guards.slots == NULL || address - guards.start >= guards.end - guards.start)
        return NULL;
    /* A place and the guard page behind it: overflows are more common than underflows. */
    size_t page = os_page_size();
    for (uint32_t slot = 1; slot <= guards.used; slot++) {
        const struct guard *g = &guards.slots[slot];
        size_t room = ((size_t)1 << g->class) * page;
        if (g->state != GUARD_UNUSED && address - (g->to - room) < room + page)
            return g;
    }
    return NULL;
}

bool guard_open(const struct guard *g, uintptr_t address)
{
    size_t page = os_page_size();
    guards.slots[g - guards.slots].opened = true;
    return os_commit((void *)align_down(address, page), page);
}

void guard_sum(size_t *count, size_t *bytes)
{
    lock_take(&guards.lock);
    *count = guards.live;
    *bytes = guards.bytes;
    lock_give(&guards.lock);
}

bool guard_at(uint32_t slot, struct guard_view *view)
{
    *view = (struct guard_view){0};
    lock_take(&guards.lock);
    bool exists = guards.slots != NULL && slot <= guards.used;
    const struct guard *g = exists ? &guards.slots[slot] : NULL;
    if (g != NULL && g->state == GUARD_LIVE)
        *view = (struct guard_view){g->mem, g->bytes, g->to - g->mem};
    lock_give(&guards.lock);
    return exists;
}

static bool guard_kept; /* locked by the code that the fork interrupted */

void guard_lock(void)
{
    guard_kept = lock_is_mine(&guards.lock);
    if (!guard_kept)
        lock_take(&guards.lock);
}

void guard_unlock(void)
{
    if (!guard_kept)
        lock_give(&guards.lock);
}
