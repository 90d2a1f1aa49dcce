/* The table of links; see links.h. State: in the caller's struct. */
#include "links.h"

#include <string.h>
#include <sys/mman.h>

enum {
    LINKS_MOST = 7 << 20,  /* 84 MiB, touched as far as they are used */
    LINKS_BLOCK = 1 << 12, /* what a writer takes at a time */
    LINKS_RANGE_LOG2 = 36, /* of addresses */
    LINKS_PAGE_LOG2 = 13,
    LINKS_PLACES = 1 << (LINKS_PAGE_LOG2 - 4), /* in a page */
    LINKS_COUNT_BITS = 8,                      /* of an entry of `page` */
    LINKS_COUNT_MOST = (1 << LINKS_COUNT_BITS) - 1,
    LINKS_PIECES = 64 /* asked for at a time */
};

static const size_t links_size = (size_t)LINKS_MOST * sizeof(struct link);
static const size_t links_pages = sizeof(uint32_t)
                                  << (LINKS_RANGE_LOG2 - LINKS_PAGE_LOG2);

static void *links_reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool links_open(struct links *l, uint64_t low, const struct walk *walk)
{
    *l = (struct links){.base = align_down(low, (uint64_t)1 << LINKS_PAGE_LOG2),
                        .walk = walk};
    l->link = links_reserve(links_size);
    l->page = links_reserve(links_pages);
    if (l->link != NULL && l->page != NULL) {
        madvise(l->link, links_size, MADV_HUGEPAGE); /* it is looked into anywhere */
        return true;
    }
    links_close(l);
    return false;
}

void links_close(struct links *l)
{
    if (l->link != NULL)
        munmap(l->link, links_size);
    if (l->page != NULL)
        munmap(l->page, links_pages);
    *l = (struct links){0};
}

/* False if `address` lies too far away, or where no chunk can. */
static bool links_pack(const struct links *l, uint64_t address, uint32_t *packed)
{
    uint64_t offset = address - l->base;
    *packed = (uint32_t)(offset / CHUNK_ALIGN);
    return offset % CHUNK_ALIGN == 0 && offset >> LINKS_RANGE_LOG2 == 0;
}

/* The page in which the other writer may be, too, is nobody's. */
void links_write(struct links_writer *w, struct links *l, uint64_t from)
{
    *w = (struct links_writer){.links = l, .page = UINT64_MAX};
    w->from = align_up(from, (uint64_t)1 << LINKS_PAGE_LOG2);
}

/* Room for a whole page's links. */
static bool links_begin(struct links_writer *w, uint64_t page)
{
    struct links *l = w->links;
    if (w->end - w->next < LINKS_COUNT_MOST) {
        uint32_t at = atomic_fetch_add(&l->next, LINKS_BLOCK);
        if (at > LINKS_MOST - LINKS_BLOCK) {
            atomic_fetch_sub(&l->next, LINKS_BLOCK);
            return false;
        }
        w->next = at;
        w->end = at + LINKS_BLOCK;
    }
    w->page = page;
    l->page[page] = w->next << LINKS_COUNT_BITS;
    return true;
}

void links_note(struct links_writer *w, uint64_t address, const void *raw)
{
    struct links *l = w->links;
    struct chunk c;
    struct link new;
    uint32_t at;
    memset(&c, 0, sizeof c);
    memcpy(&c, raw, offsetof(struct chunk, fd_size));
    uint32_t bits = chunk_bits(&c);
    if (bits >= LARGE_MIN || address < w->from || !links_pack(l, address, &at) ||
        !links_pack(l, (uintptr_t)c.fd, &new.fd) ||
        !links_pack(l, (uintptr_t)c.bk, &new.bk))
        return;
    uint64_t page = at / LINKS_PLACES;
    if (page != w->page && !links_begin(w, page))
        return;
    if ((l->page[page] & LINKS_COUNT_MOST) == LINKS_COUNT_MOST)
        return;
    new.place = bits *LINKS_PLACES | at % LINKS_PLACES;
    l->page[page]++;
    l->link[w->next++] = new;
}

void links_prefetch_page(const struct links *l, uint64_t address)
{
    uint32_t at;
    if (l->page != NULL && links_pack(l, address, &at))
        PREFETCH(&l->page[at / LINKS_PLACES]);
}

void links_prefetch(const struct links *l, uint64_t address)
{
    uint32_t at;
    if (l->page != NULL && links_pack(l, address, &at))
        PREFETCH(&l->link[l->page[at / LINKS_PLACES] >> LINKS_COUNT_BITS]);
}

static void links_restore(const struct links *l, const struct link *k, uint64_t address,
                          void *raw)
{
    static_assert(offsetof(struct chunk, dirty_next) == LINKS_BYTES, "");
    uint32_t bits = k->place / LINKS_PLACES;
    const void *mem = (const void *)(uintptr_t)(address + CHUNK_HEADER);
    uint32_t tag = walk_tag(l->walk, mem, bits & ~(uint32_t)PREV_INUSE);
    struct chunk c;
    memset(&c, 0, sizeof c);
    atomic_store_explicit(&c.bits, bits, memory_order_relaxed);
    atomic_store_explicit(&c.tag, tag ^ CHECK_MASK, memory_order_relaxed);
    c.fd = (struct chunk *)(uintptr_t)(l->base + (uint64_t)k->fd * CHUNK_ALIGN);
    c.bk = (struct chunk *)(uintptr_t)(l->base + (uint64_t)k->bk * CHUNK_ALIGN);
    memcpy(raw, &c, LINKS_BYTES);
}

bool links_find(const struct links *l, uint64_t address, void *raw)
{
    uint32_t at;
    if (l->page == NULL || !links_pack(l, address, &at))
        return false;
    uint32_t page = l->page[at / LINKS_PLACES];
    const struct link *k = &l->link[page >> LINKS_COUNT_BITS];
    for (unsigned i = page & LINKS_COUNT_MOST; i != 0; i--, k++) {
        if (k->place % LINKS_PLACES == at % LINKS_PLACES) {
            links_restore(l, k, address, raw);
            return true;
        }
    }
    return false;
}

/* --- a reader --------------------------------------------------------------- */

static void links_gather(struct reader *r, const uint64_t *address, size_t count,
                         void *buffer, size_t size)
{
    struct links_reader *k = (struct links_reader *)(void *)r;
    unsigned char raw[LINKS_PIECES][LINKS_BYTES];
    uint64_t asked[LINKS_PIECES];
    size_t place[LINKS_PIECES], missing = 0;
    if (size != LINKS_BYTES || count > LINKS_PIECES) {
        k->ask(r, address, count, buffer, size);
        return;
    }
    for (size_t i = 0; i < count; i++)
        links_prefetch_page(k->links, address[i]);
    for (size_t i = 0; i < count; i++)
        links_prefetch(k->links, address[i]);
    for (size_t i = 0; i < count; i++) {
        if (!links_find(k->links, address[i], (char *)buffer + i * size)) {
            place[missing] = i;
            asked[missing++] = address[i];
        }
    }
    if (missing != 0)
        k->ask(r, asked, missing, raw, size);
    for (size_t i = 0; i < missing; i++)
        memcpy((char *)buffer + place[i] * size, raw[i], size);
}

void links_reader_open(struct links_reader *r, const struct links *links,
                       const struct source *source)
{
    *r = (struct links_reader){.source = *source, .links = links};
    r->ask = source->reader.gather;
    r->source.reader.gather = links_gather;
    r->source.reader.fill = NULL;
    r->source.reader.length = 0;
}
