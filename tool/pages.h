/*
 * Which pages of a process are resident, asked of the kernel: PAGEMAP_SCAN where it has
 * it (that also tells the shared zero page), else /proc/PID/pagemap.
 */
#ifndef TOOL_PAGES_H
#define TOOL_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PAGE_RESIDENT = 1, /* counts as resident memory */
    PAGE_FILLED = 2,   /* resident or swapped out: reading it changes nothing */
    PAGES_ROOM = 1 << 13
};

struct pages {
    int fd;        /* /proc/PID/pagemap, or -1 */
    uint64_t size; /* of a page */
    bool has_scan;
    uint64_t first; /* page number of flags[0] */
    uint64_t count; /* pages in flags */
    uint8_t flags[PAGES_ROOM];
    uint64_t entry[PAGES_ROOM]; /* as pagemap has them, while it is read */
};

void pages_open(struct pages *p, pid_t pid);
void pages_close(struct pages *p);
/* True if what was opened is no longer the memory of any process: it became another program
 * since, or ended. `address`: where something is mapped. */
bool pages_are_gone(const struct pages *p, uint64_t address);
/* Asks for `count` pages from page number `first` on; what is kept is thrown away. */
bool pages_ask(struct pages *p, uint64_t first, uint64_t count);
/* Flags of one page, from what is kept or asked for now; the number of the first page
 * behind it that is known to have others, or not known at all. */
uint64_t pages_run(struct pages *p, uint64_t page, uint8_t *flags);

#endif
