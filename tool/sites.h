/*
 * Call sites: the stacks that a process at check=3 keeps of its guarded blocks, summed for
 * the two sides of a comparison. Sites are alike if they lie in the same files at the same
 * offsets, so that processes need not have the same addresses.
 */
#ifndef TOOL_SITES_H
#define TOOL_SITES_H

#include "draw.h"
#include "scan.h"

enum { SITE_DEPTH = 32 };

struct site_frame {
    const char *path; /* of the file, "" if it is not known */
    uint64_t offset;  /* from where its first mapping begins; or the address */
};

struct site {
    struct site_frame frame[SITE_DEPTH]; /* innermost first */
    unsigned depth;
    uint64_t hash;
    uint64_t count[2], bytes[2];
};

struct sites {
    struct site *site; /* by change, the largest first, after sites_sort */
    size_t count;
    uint32_t *slot; /* open addressing: number of a site, from 1 */
    size_t room;
    char **path;
    size_t paths;
    bool kept[2]; /* this side keeps stacks at all */
    uint64_t rate[2];
    uint64_t blocks[2], bytes[2];
};

struct symbols;

/* Where a return address lies; the path is the source's. */
struct site_frame site_frame_of(const struct source *s, uint64_t pc);
void site_frame_json(struct symbols *names, const struct site_frame *f, FILE *out);

/* The table of guarded blocks: where its first record lies (there is none of number 0),
 * and how many there are. False if the process keeps none. */
bool sites_table(struct scan *s, uint64_t *first, uint64_t *count);
/* Adds the blocks of one side, 0 or 1. */
void sites_read(struct sites *t, struct scan *s, unsigned side);
void sites_sort(struct sites *t);
void sites_close(struct sites *t);

/* What grew and shrank, or how it could be seen. */
void sites_print(const struct sites *t, struct draw *d, size_t limit);
void sites_json(const struct sites *t, FILE *out);

#endif
