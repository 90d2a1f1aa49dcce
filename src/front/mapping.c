/* Lines of /proc/self/maps; see mapping.h. State: the buffer it is read through. */
#include "front/mapping.h"

#include "base/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

SELDOM static struct {
    int fd;
    size_t at, end;
    uintptr_t base; /* of the file that the last line named */
    char name[512];
    char bytes[2048];
} mapping_file;

/* Next byte, or -1 at the end. */
static int mapping_byte(void)
{
    if (mapping_file.at == mapping_file.end) {
        ssize_t got =
            read(mapping_file.fd, mapping_file.bytes, sizeof mapping_file.bytes);
        if (got <= 0)
            return -1;
        mapping_file.at = 0;
        mapping_file.end = (size_t)got;
    }
    return (unsigned char)mapping_file.bytes[mapping_file.at++];
}

/* A hexadecimal number and the byte behind it. */
static uintptr_t mapping_hex(int *behind)
{
    uintptr_t n = 0;
    int c;
    for (;;) {
        c = mapping_byte();
        if (c >= '0' && c <= '9')
            n = n * 16 + (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            n = n * 16 + (uintptr_t)(c - 'a' + 10);
        else
            break;
    }
    *behind = c;
    return n;
}

/* One line, but for `base`: "start-end rwxp offset device inode   name". */
static bool mapping_line(struct mapping *m)
{
    static const char letters[] = "rwxs";
    int c;
    m->start = mapping_hex(&c);
    if (c != '-')
        return false;
    m->end = mapping_hex(&c);
    m->access = 0;
    for (unsigned column = 0; (c = mapping_byte()) != ' '; column++) {
        if (c < 0)
            return false;
        if (column < 4 && c == letters[column])
            m->access |= 1U << column;
    }
    m->offset = mapping_hex(&c);
    for (unsigned blanks = 0; blanks < 2 && c != '\n'; blanks += c == ' ')
        if ((c = mapping_byte()) < 0)
            return false;
    size_t length = 0;
    while (c != '\n') {
        if ((c = mapping_byte()) < 0)
            return false;
        if (c != '\n' && (c != ' ' || length != 0) && length + 1 < sizeof m->name)
            m->name[length++] = (char)c;
    }
    m->name[length] = '\0';
    return true;
}

bool mapping_open(void)
{
    int saved = errno;
    mapping_file.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    mapping_file.at = mapping_file.end = 0;
    mapping_file.base = 0;
    mapping_file.name[0] = '\0';
    errno = saved;
    return mapping_file.fd >= 0;
}

bool mapping_next(struct mapping *m)
{
    if (!mapping_line(m))
        return false;
    if (m->name[0] == '\0' || strcmp(mapping_file.name, m->name) != 0) {
        mapping_file.base = m->start;
        memcpy(mapping_file.name, m->name, sizeof mapping_file.name);
    }
    m->base = mapping_file.base;
    return true;
}

void mapping_close(void)
{
    int saved = errno;
    if (mapping_file.fd >= 0)
        close(mapping_file.fd);
    errno = saved;
}

bool mapping_find(uintptr_t address, struct mapping *m)
{
    bool found = false;
    mapping_open();
    while (!found && mapping_file.fd >= 0 && mapping_next(m))
        found = address - m->start < m->end - m->start;
    mapping_close();
    return found;
}
