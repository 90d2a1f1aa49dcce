/* Binned chunks; see bin.h. State: the struct bins of the caller's arena. */
#include "core/bin.h"

#include "base/check.h"
#include "core/heap.h"
#include "os/os.h"

/* The head, or a link of c, leads to what is no such chunk. If the next of the ring leads
 * back to it, it was one: the links are right, and its header is not. */
static COLD NOINLINE void bin_blame(const struct chunk *c, const struct chunk *other)
{
    struct chunk seen, next;
    size_t size = offsetof(struct chunk, fd_size);
    if (((uintptr_t)other & (CHUNK_ALIGN - 1)) == 0 &&
        os_peek(other, &seen, size) == size && os_peek(seen.fd, &next, size) == size &&
        next.bk == other)
        fail("overwritten header of a free chunk: heap overflow of the block before",
             mem_of(other));
    fail("corrupted bin: link leads to no chunk of this kind of bin", mem_of(c));
}

/* The chunk that a link of c leads to: a header of ours, in this kind of bin. */
static ALWAYS_INLINE void bin_verify(const struct chunk *c, const struct chunk *other,
                                     unsigned state)
{
    if (UNLIKELY(((uintptr_t)other & (CHUNK_ALIGN - 1)) != 0 || other == NULL ||
                 !chunk_is_in(&heap_keys, other, state)))
        bin_blame(c, other);
}

void bin_ring_push(struct chunk **head, struct chunk *c)
{
    struct chunk *first = *head;
    if (first == NULL) {
        c->fd = c->bk = c;
        *head = c;
        return;
    }
    /* Of a head that two forged links left behind, the chunk may be somebody's by now. */
    bin_verify(c, first, chunk_idle_state(c));
    struct chunk *last = first->bk;
    if (last != first)
        bin_verify(first, last, chunk_idle_state(c));
    GUARD(last->fd == first, "corrupted bin: fd of the last chunk", mem_of(last));
    c->fd = first;
    c->bk = last;
    last->fd = c;
    first->bk = c;
}

void bin_ring_unlink(struct chunk **head, struct chunk *c)
{
    struct chunk *fd = c->fd, *bk = c->bk;
    if (fd == c) {
        GUARD(bk == c && *head == c, "corrupted bin: chunk is in no list", mem_of(c));
        *head = NULL;
        return;
    }
    unsigned state = chunk_idle_state(c);
    bin_verify(c, fd, state);
    if (bk != fd)
        bin_verify(c, bk, state);
    GUARD(fd->bk == c && bk->fd == c, "corrupted bin: fd and bk disagree", mem_of(c));
    fd->bk = bk;
    bk->fd = fd;
    if (*head == c)
        *head = fd;
}

/* The next larger, or with the largest the smallest size of the ring. */
static ALWAYS_INLINE struct chunk *bin_larger(struct chunk *at)
{
    struct chunk *next = at->fd_size;
    bin_verify(at, next, IDLE_BINNED);
    GUARD(next->bk_size == at, "corrupted large bin: size links", mem_of(at));
    return next;
}

static ALWAYS_INLINE struct chunk *bin_smaller(struct chunk *at)
{
    struct chunk *next = at->bk_size;
    bin_verify(at, next, IDLE_BINNED);
    GUARD(next->fd_size == at, "corrupted large bin: size links", mem_of(at));
    return next;
}

/* First chunk of its size in the ring of sizes that is not smaller than `size`, or NULL
 * when all are smaller. Looks from the nearer end. */
static struct chunk *bin_find_size(struct chunk *first, size_t size)
{
    struct chunk *at = first;
    size_t low = chunk_size(first), high = chunk_size(first->bk);
    if (high < size)
        return NULL;
    if (low >= size)
        return first;
    if (size - low <= high - size) {
        do
            at = bin_larger(at);
        while (chunk_size(at) < size && at != first);
        return at == first ? NULL : at;
    }
    /* Round the ring and down; the first, which is too small, ends it. */
    for (struct chunk *below = bin_smaller(at);
         below != first && chunk_size(below) >= size; below = bin_smaller(at))
        at = below;
    return at == first ? NULL : at;
}

/* Joins the ring of sizes before `at`. */
static void bin_size_link(struct chunk *at, struct chunk *c)
{
    struct chunk *before = at->bk_size;
    bin_verify(at, before, IDLE_BINNED);
    GUARD(before->fd_size == at, "corrupted large bin: size links", mem_of(at));
    c->fd_size = at;
    c->bk_size = before;
    before->fd_size = c;
    at->bk_size = c;
}

static void bin_push_large(struct chunk **head, struct chunk *c, size_t size)
{
    struct chunk *first = *head;
    if (first == NULL) {
        bin_ring_push(head, c);
        c->fd_size = c->bk_size = c;
        return;
    }
    bin_verify(c, first, IDLE_BINNED);
    struct chunk *at = bin_find_size(first, size);
    if (at != NULL && chunk_size(at) == size) {
        /* Second of its size: the ring of sizes stays as it is. */
        struct chunk *next = at->fd;
        bin_verify(at, next, IDLE_BINNED);
        GUARD(next->bk == at, "corrupted bin: fd and bk disagree", mem_of(at));
        c->fd_size = c->bk_size = NULL;
        c->fd = next;
        c->bk = at;
        next->bk = c;
        at->fd = c;
        return;
    }
    struct chunk *before = at == NULL ? first : at;
    bin_size_link(before, c);
    bin_ring_push(&before, c);
    if (at == first)
        *head = c;
}

static void bin_unlink_large(struct chunk **head, struct chunk *c, size_t size)
{
    struct chunk *heir = c->fd;
    if (c->fd_size != NULL) {
        struct chunk *up = c->fd_size, *down = c->bk_size;
        bin_verify(c, up, IDLE_BINNED);
        bin_verify(c, down, IDLE_BINNED);
        GUARD(up->bk_size == c && down->fd_size == c, "corrupted large bin: size links",
              mem_of(c));
        bin_verify(c, heir, IDLE_BINNED);
        if (heir != c && heir->fd_size == NULL) {
            /* The next one of the same size takes its place among the sizes. A small one
             * has no such links: those words are the footer and the next header. */
            GUARD(chunk_size_if_in(&heap_keys, heir, IDLE_BINNED) == size,
                  "corrupted large bin: second of a size has another one", mem_of(c));
            heir->fd_size = up == c ? heir : up;
            heir->bk_size = down == c ? heir : down;
            heir->fd_size->bk_size = heir;
            heir->bk_size->fd_size = heir;
        } else {
            up->bk_size = down;
            down->fd_size = up;
        }
    }
    bin_ring_unlink(head, c);
}

void bin_push(struct bins *b, struct chunk *c, size_t size)
{
    unsigned i = bin_index(size);
    if (size < LARGE_MIN)
        bin_ring_push(&b->head[i], c);
    else
        bin_push_large(&b->head[i], c, size);
    set_add(b->map, i);
}

void bin_unlink(struct bins *b, struct chunk *c, size_t size)
{
    unsigned i = bin_index(size);
    if (size < LARGE_MIN)
        bin_ring_unlink(&b->head[i], c);
    else
        bin_unlink_large(&b->head[i], c, size);
    if (b->head[i] == NULL)
        set_remove(b->map, i);
}

unsigned bin_next(const struct bins *b, unsigned bin)
{
    if (bin >= BIN_COUNT)
        return BIN_COUNT;
    unsigned word = bin / 64;
    uint64_t bits = b->map[word] & (~0ULL << (bin % 64));
    while (bits == 0) {
        if (++word == BIN_WORDS)
            return BIN_COUNT;
        bits = b->map[word];
    }
    return word * 64 + count_trailing_zeros(bits);
}

/* The second of its size, if there is one: it leaves without touching the ring of sizes.
 * Two links forged alike can put a chunk into a foreign bin, so its size is compared. */
static struct chunk *bin_second(struct chunk *at, size_t size)
{
    struct chunk *second = at->fd;
    bin_verify(at, second, IDLE_BINNED);
    if (second == at || second->fd_size != NULL)
        second = at;
    GUARD(chunk_size(second) >= size, "corrupted bin: chunk smaller than its bin",
          mem_of(second));
    return second;
}

struct chunk *bin_find(const struct bins *b, size_t size)
{
    unsigned own = bin_index(size);
    unsigned i = bin_next(b, own);
    if (i == own && size >= LARGE_MIN) {
        struct chunk *at = bin_find_size(b->head[i], size);
        if (at == NULL)
            i = bin_next(b, own + 1);
        else
            return bin_second(at, size);
    }
    if (i == BIN_COUNT)
        return NULL;
    struct chunk *at = b->head[i];
    if (i >= BIN_SMALL)
        return bin_second(at, size);
    GUARD(chunk_size(at) >= size, "corrupted bin: chunk smaller than its bin",
          mem_of(at));
    return at;
}
