/* The table of links; see links.h. State: in the caller's struct. */
#include "links.h"

#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    LINKS_SETS_MOST = 5 << 18,           /* 80 MiB */
    LINKS_PER_SET = 2048,                /* bytes of heap */
    LINKS_MULTIPLIER = (int)0x9e3779b1U, /* 2^32 by the golden ratio */
    LINKS_RANGE_LOG2 = 36                /* of addresses */
};

void links_open(struct links *l, uint64_t address, uint64_t bytes)
{
    enum { HUGE_PAGE = 2 << 20 };
    uint64_t sets = bytes / LINKS_PER_SET + 1;
    *l = (struct links){.sets = sets < LINKS_SETS_MOST ? sets : LINKS_SETS_MOST};
    size_t size = align_up(l->sets * sizeof *l->set, HUGE_PAGE);
    l->set = must(aligned_alloc(HUGE_PAGE, size));
    madvise(l->set, size, MADV_HUGEPAGE); /* it is looked into anywhere */
    memset(l->set, 0, l->sets * sizeof *l->set);
    uint64_t half = (uint64_t)1 << (LINKS_RANGE_LOG2 - 1);
    l->base = address > half ? align_down(address - half, CHUNK_ALIGN) : 0;
}

void links_close(struct links *l)
{
    free(l->set);
    l->set = NULL;
}

/* False if `address` lies too far away, or where no chunk can. */
static bool links_pack(const struct links *l, uint64_t address, uint32_t *packed)
{
    uint64_t offset = address - l->base;
    *packed = (uint32_t)(offset / CHUNK_ALIGN);
    return offset % CHUNK_ALIGN == 0 && offset >> LINKS_RANGE_LOG2 == 0 && offset != 0;
}

static struct link *links_set(const struct links *l, uint32_t at)
{
    uint32_t mixed = at * (uint32_t)LINKS_MULTIPLIER;
    return l->set[mixed * l->sets >> 32];
}

static void links_put(struct links *l, struct link new)
{
    if (new.at == 0)
        return;
    struct link *set = links_set(l, new.at);
    for (unsigned i = 0; i < LINKS_WAYS; i++) {
        if (set[i].at == 0 || set[i].at == new.at) {
            set[i] = new;
            return;
        }
    }
}

void links_note(struct links *l, uint64_t address, const void *raw)
{
    struct chunk c;
    struct link new;
    memset(&c, 0, sizeof c);
    memcpy(&c, raw, offsetof(struct chunk, fd_size));
    uint32_t bits = chunk_bits(&c);
    if (bits >= LARGE_MIN || c.high != 0 || !links_pack(l, address, &new.at) ||
        !links_pack(l, (uintptr_t)c.fd, &new.fd) ||
        !links_pack(l, (uintptr_t)c.bk, &new.bk))
        return;
    new.bits = (uint16_t)bits;
    new.check = c.check;
    PREFETCH(links_set(l, new.at));
    struct link *late = &l->late[l->late_next++ % LINKS_LATE];
    links_put(l, *late);
    *late = new;
}

void links_flush(struct links *l)
{
    for (unsigned i = 0; i < LINKS_LATE; i++)
        links_put(l, l->late[i]);
}

void links_prefetch(const struct links *l, uint64_t address)
{
    uint32_t at;
    if (links_pack(l, address, &at))
        PREFETCH(links_set(l, at));
}

bool links_find(const struct links *l, uint64_t address, void *raw)
{
    static_assert(offsetof(struct chunk, dirty_next) == LINKS_BYTES, "");
    uint32_t at;
    if (!links_pack(l, address, &at))
        return false;
    const struct link *set = links_set(l, at);
    for (unsigned i = 0; i < LINKS_WAYS; i++) {
        if (set[i].at != at)
            continue;
        struct chunk c;
        memset(&c, 0, sizeof c);
        atomic_store_explicit(&c.bits, set[i].bits, memory_order_relaxed);
        c.check = set[i].check;
        c.fd = (struct chunk *)(uintptr_t)(l->base + (uint64_t)set[i].fd * CHUNK_ALIGN);
        c.bk = (struct chunk *)(uintptr_t)(l->base + (uint64_t)set[i].bk * CHUNK_ALIGN);
        memcpy(raw, &c, LINKS_BYTES);
        return true;
    }
    return false;
}
