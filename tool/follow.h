/*
 * The lists of one arena, followed side by side, a step each, with the links compared both
 * ways and with the chunks' own headers.
 */
#ifndef TOOL_FOLLOW_H
#define TOOL_FOLLOW_H

#include "scan.h"

enum { LIST_MEMBERS = 6 };

/* One list, what it holds, and what is wrong with it. */
struct list {
    uint64_t head;
    enum kind kind; /* KIND_FAST: one way; KIND_UNSORTED, KIND_SMALL: a ring */
    unsigned bin;
    uint64_t count, size;
    uint64_t member[LIST_MEMBERS];
    const char *wrong; /* NULL: all well */
    uint64_t broken;   /* chunk at which the links disagree */
    uint64_t says;     /* what stands there instead of `broken` */
    bool is_one_sided; /* what is wrong is bk of the chunk behind */
    uint64_t at, fd;   /* where it was followed to, and what is next */
    uint64_t seek;     /* a chunk whose place is wanted, or 0 */
    uint64_t place;    /* of that chunk, from 1; 0: not met */
    bool done;
};

/* The lists of `a` that are not empty; the caller frees them. */
struct list *follow_lists(struct walk *w, const struct walk_arena *a, size_t *count);
/* "small[0x40]" */
enum { LIST_LABEL = 32 };
void list_label(const struct list *l, char label[LIST_LABEL]);
/* Follows them to their ends. */
void follow_all(struct scan *s, const struct walk_arena *a, struct list *list,
                size_t count);

#endif
