/* See play_image.h. State: in its structs. */
#include "play_image.h"

#include "play_list.h"

enum {
    IMAGE_PIECE = 4 * IMAGE_BLOCK
}; /* read at once: it stays in the processor's cache */

static size_t image_read_page(struct image_reader *r, uint64_t address, void *out,
                              size_t size)
{
    uint64_t base = address & ~(uint64_t)(IMAGE_PAGE - 1), offset = address - base;
    struct image_page *p = &r->page[base / IMAGE_PAGE % IMAGE_PAGES];
    if (p->address != base) {
        p->length = r->behind->read(r->behind, base, p->bytes, IMAGE_PAGE);
        p->address = base;
    }
    if (offset >= p->length)
        return 0;
    size = size < p->length - offset ? size : p->length - offset;
    memcpy(out, p->bytes + offset, size);
    return size;
}

static size_t image_read(struct reader *reader, uint64_t address, void *out,
                         size_t size)
{
    struct image_reader *r = (struct image_reader *)(void *)reader;
    size_t done = 0;
    if (size > IMAGE_PAGE)
        return r->behind->read(r->behind, address, out, size);
    while (done < size) {
        size_t rest = IMAGE_PAGE - (size_t)((address + done) % IMAGE_PAGE);
        size_t want = size - done < rest ? size - done : rest;
        size_t got = image_read_page(r, address + done, (char *)out + done, want);
        done += got;
        if (got < want)
            break;
    }
    return done;
}

void image_reader_open(struct image_reader *r, struct reader *behind)
{
    memset(&r->reader, 0, sizeof r->reader);
    r->reader.read = image_read;
    r->behind = behind;
    r->image = NULL;
    for (unsigned i = 0; i < IMAGE_PAGES; i++)
        r->page[i].address = 0;
}

void image_reader_use(struct image_reader *r, const struct image *image)
{
    r->image = image;
    r->reader.start = image == NULL ? 0 : image->start;
    r->reader.length = image == NULL ? 0 : image->length;
    r->reader.window = image == NULL ? 0 : (uintptr_t)image->bytes;
}

static void image_make_room(struct image *image, uint64_t length)
{
    uint64_t room = length + length / 2 + IMAGE_BLOCK;
    room -= room % IMAGE_BLOCK;
    if (length <= image->room)
        return;
    image->bytes = realloc(image->bytes, room);
    image->fresh = realloc(image->fresh, room / IMAGE_BLOCK + 1);
    if (image->bytes == NULL || image->fresh == NULL)
        list_fail();
    image->room = room;
}

/* What was read of one block, against what stood there. */
static void image_compare(struct image *image, uint64_t at, const unsigned char *new,
                          size_t size)
{
    uint64_t known = image->length > at ? image->length - at : 0;
    bool same = size <= known && memcmp(image->bytes + at, new, size) == 0;
    image->fresh[at / IMAGE_BLOCK] = !same;
    if (!same)
        memcpy(image->bytes + at, new, size);
}

/* Whole blocks that cannot have changed. */
static bool image_keeps(struct image *image, uint64_t at, size_t size,
                        const struct image_span *span)
{
    uint64_t from = image->start + at, to = from + size;
    if (span == NULL || at + size > image->length || size % IMAGE_BLOCK != 0 ||
        (span->from < to && from < span->to))
        return false;
    memset(image->fresh + at / IMAGE_BLOCK, 0, size / IMAGE_BLOCK);
    return true;
}

void image_update(struct image *image, struct reader *behind, uint64_t start,
                  uint64_t length, const struct image_span *span)
{
    static unsigned char piece[IMAGE_PIECE];
    uint64_t at = 0;
    if (image->start != start)
        image->length = 0;
    image->start = start;
    image_make_room(image, length);
    for (bool more = true; more && at < length;) {
        size_t want = length - at < IMAGE_PIECE ? (size_t)(length - at) : IMAGE_PIECE;
        if (image_keeps(image, at, want, span)) {
            at += want;
            continue;
        }
        size_t got = behind->read(behind, start + at, piece, want);
        for (size_t k = 0; k < got; k += IMAGE_BLOCK)
            image_compare(image, at + k, piece + k,
                          got - k < IMAGE_BLOCK ? got - k : IMAGE_BLOCK);
        more = got == want;
        at += got;
    }
    image->length = at;
}

void image_free(struct image *image)
{
    free(image->bytes);
    free(image->fresh);
    memset(image, 0, sizeof *image);
}
