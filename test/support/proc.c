/*
 * What the kernel says about this process. No state.
 */
#include "support/proc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

long proc_status(const char *name, int base)
{
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    size_t length = strlen(name);
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, name, length) && line[length] == ':')
            return (long)strtoull(line + length + 1, NULL, base);
    }
    return -1;
}

static size_t proc_resident_pages(uintptr_t from, uintptr_t to, size_t page)
{
    static unsigned char there[1 << 14];
    size_t count = 0;
    for (size_t pages; from < to; from += pages * page) {
        pages = (to - from) / page;
        if (pages > sizeof there)
            pages = sizeof there;
        if (mincore((void *)from, pages * page, there) == 0)
            for (size_t i = 0; i < pages; i++)
                count += there[i] & 1;
    }
    return count;
}

/* Of what is mapped from no file. An emulator shows what the program mapped, while
 * VmRSS counts its own memory too, of which it has more with each thread that was. */
static size_t proc_resident_emulated(void)
{
    static char text[1 << 18];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), length = 0, pages = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (ssize_t n = 1; fd >= 0 && n > 0; length += n > 0 ? (size_t)n : 0)
        n = read(fd, text + length, sizeof text - 1 - length);
    close(fd);
    text[length] = 0;
    for (const char *line = text; line && *line;) {
        uintptr_t from, to;
        unsigned long inode;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %lu", &from, &to,
                   &inode) == 3 &&
            inode == 0)
            pages += proc_resident_pages(from, to, page);
        line = strchr(line, '\n');
        line += line != NULL;
    }
    return pages * page;
}

size_t proc_resident(void)
{
    if (getenv("TEST_EMULATOR"))
        return proc_resident_emulated();
    return (size_t)proc_status("VmRSS", 10) * 1024;
}

size_t proc_peak(void)
{
    return (size_t)proc_status("VmHWM", 10) * 1024;
}

int proc_peak_reset(void)
{
    int fd = getenv("TEST_EMULATOR")
                 ? -1
                 : open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = write(fd, "5", 1);
    close(fd);
    return n == 1;
}
