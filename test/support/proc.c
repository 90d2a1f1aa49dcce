/*
 * What the kernel says about this process. No state.
 */
#include "support/proc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

size_t proc_resident(void)
{
    return (size_t)proc_status("VmRSS", 10) * 1024;
}

size_t proc_peak(void)
{
    return (size_t)proc_status("VmHWM", 10) * 1024;
}

int proc_peak_reset(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = write(fd, "5", 1);
    close(fd);
    return n == 1;
}
