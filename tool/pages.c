/* Resident pages of a process; see pages.h. State: in struct pages. */
#include "pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* As linux/fs.h has it since 6.7; older headers do not. */
struct pages_range {
    uint64_t start, end, categories;
};

struct pages_scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t inverted, mask, any_of, returned;
};

#define PAGES_SCAN _IOWR('f', 16, struct pages_scan)

enum { SCAN_PRESENT = 8, SCAN_SWAPPED = 16, SCAN_ZERO = 32, SCAN_RANGES = 512 };

#define ENTRY_PRESENT ((uint64_t)1 << 63)
#define ENTRY_SWAPPED ((uint64_t)1 << 62)

void pages_open(struct pages *p, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    p->fd = open(path, O_RDONLY | O_CLOEXEC);
    p->size = (uint64_t)sysconf(_SC_PAGESIZE);
    p->has_scan = true;
    p->count = 0;
}

void pages_close(struct pages *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

static void pages_mark(struct pages *p, const struct pages_range *r)
{
    /* A debugger that read a page nobody touched left the kernel's page of zeroes there,
     * even where the program itself may not read. */
    bool zero = (r->categories & SCAN_ZERO) != 0;
    bool present = (r->categories & SCAN_PRESENT) != 0;
    uint8_t flags = zero ? 0 : present ? PAGE_RESIDENT | PAGE_FILLED : PAGE_FILLED;
    memset(p->flags + (r->start / p->size - p->first), flags,
           (size_t)((r->end - r->start) / p->size));
}

/* False if this kernel has no such call. */
static bool pages_scan(struct pages *p)
{
    struct pages_range range[SCAN_RANGES];
    uint64_t at = p->first * p->size, end = (p->first + p->count) * p->size;
    while (at < end) {
        struct pages_scan scan = {
            .size = sizeof scan,
            .start = at,
            .end = end,
            .vec = (uintptr_t)range,
            .vec_len = SCAN_RANGES,
            .any_of = SCAN_PRESENT | SCAN_SWAPPED,
            .returned = SCAN_PRESENT | SCAN_SWAPPED | SCAN_ZERO,
        };
        int got = ioctl(p->fd, PAGES_SCAN, &scan);
        if (got < 0)
            return false;
        for (int i = 0; i < got; i++)
            pages_mark(p, &range[i]);
        if (scan.walk_end <= at)
            break;
        at = scan.walk_end;
    }
    return true;
}

static bool pages_read(struct pages *p)
{
    uint64_t *entry = p->entry;
    ssize_t got = pread(p->fd, entry, (size_t)p->count * sizeof entry[0],
                        (off_t)(p->first * sizeof entry[0]));
    if (got < 0)
        return false;
    for (size_t i = 0; i < (size_t)got / sizeof entry[0]; i++)
        p->flags[i] = (entry[i] & ENTRY_PRESENT) != 0   ? PAGE_RESIDENT | PAGE_FILLED
                      : (entry[i] & ENTRY_SWAPPED) != 0 ? PAGE_FILLED
                                                        : 0;
    return true;
}

bool pages_are_gone(const struct pages *p, uint64_t address)
{
    uint64_t entry;
    off_t at = (off_t)(address / p->size * sizeof entry);
    return p->fd >= 0 && pread(p->fd, &entry, sizeof entry, at) == 0;
}

bool pages_ask(struct pages *p, uint64_t first, uint64_t count)
{
    if (p->fd < 0 || count > PAGES_ROOM)
        return false;
    p->first = first;
    p->count = count;
    memset(p->flags, 0, sizeof p->flags);
    if (p->has_scan && pages_scan(p))
        return true;
    p->has_scan = false;
    memset(p->flags, 0, sizeof p->flags);
    if (pages_read(p))
        return true;
    p->count = 0;
    return false;
}

uint64_t pages_run(struct pages *p, uint64_t page, uint8_t *flags)
{
    *flags = 0;
    uint64_t left = UINT64_MAX / p->size - page; /* addresses end */
    if (page - p->first >= p->count &&
        !pages_ask(p, page, left < PAGES_ROOM ? left : PAGES_ROOM))
        return page + 1;
    if (p->count == 0)
        return page + 1;
    uint64_t at = page - p->first;
    *flags = p->flags[at];
    while (at < p->count && p->flags[at] == *flags)
        at++;
    return p->first + at;
}
