/*
 * The memory of a stopped process as it was read last: whole images of its heaps, which
 * tell what changed since the step before, and single pages for everything else. Reading
 * 64 MiB and comparing them costs less than looking at the chunks in them again.
 */
#ifndef TOOL_PLAY_IMAGE_H
#define TOOL_PLAY_IMAGE_H

#include "audit/reader.h"

enum { IMAGE_BLOCK = 64 * 1024, IMAGE_PAGE = 4096, IMAGE_PAGES = 64 };

/* One contiguous region, in blocks. */
struct image {
    uint64_t start;
    unsigned char *bytes;
    uint64_t length; /* that could be read */
    uint64_t room;
    unsigned char *fresh; /* by block: changed by the last reading */
};

struct image_page {
    uint64_t address; /* 0: empty */
    size_t length;
    unsigned char bytes[IMAGE_PAGE];
};

/* A reader that remembers pages, and asks another one for what it does not know. */
struct image_reader {
    struct reader reader; /* first */
    struct reader *behind;
    const struct image *image; /* the region that is walked, or NULL */
    struct image_page page[IMAGE_PAGES];
};

/* Forgets all pages; from here on `behind` is asked. */
void image_reader_open(struct image_reader *r, struct reader *behind);
/* The region that reads are answered from at once; NULL for none. */
void image_reader_use(struct image_reader *r, const struct image *image);

/* Nothing outside of [from, to) has changed since the last reading. */
struct image_span {
    uint64_t from, to;
};

/* Reads [start, start + length) anew and marks the blocks that differ; what is known and
 * outside of `span` (NULL: unknown) is not read. */
void image_update(struct image *image, struct reader *behind, uint64_t start,
                  uint64_t length, const struct image_span *span);
void image_free(struct image *image);

#endif
