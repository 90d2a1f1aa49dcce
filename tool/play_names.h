/* Names by number, in the order in which they came: variables and threads of a script. */
#ifndef TOOL_PLAY_NAMES_H
#define TOOL_PLAY_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct play_names {
    char **text; /* by number */
    size_t count, room;
    uint32_t *slot;       /* hash table of numbers + 1; 0: empty */
    size_t slots;         /* a power of two, or 0 */
    uint32_t initial[26]; /* how many begin with each letter, of either case */
};

/* Number of the name, or -1. */
int names_find(const struct play_names *n, const char *name);
/* The same, added behind the others if it is new. */
int names_add(struct play_names *n, const char *name);
/* Drops all but the first `keep`. */
void names_cut(struct play_names *n, size_t keep);
void names_free(struct play_names *n);

#endif
