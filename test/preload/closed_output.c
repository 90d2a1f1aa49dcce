/*
 * No standard descriptors from the start: the file that gets number 2 later is the program's,
 * and nobody writes into it. Then the same work with no descriptor to be had at all.
 */
#include "allocator.h"

#include "support/expect.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { FINE = 40, NO_ALLOCATOR = 41, WROTE = 42, NO_FILE = 43, REFUSED = 44 };

static int inside(void)
{
    char name[] = "/tmp/closed_output.XXXXXX";
    struct stat after;
    if (!allocator_is_preloaded())
        return NO_ALLOCATOR;
    for (int fd = 0; fd < 3; fd++)
        if (mkstemp(memcpy(name, "/tmp/closed_output.XXXXXX", sizeof name)) != fd ||
            unlink(name))
            return NO_FILE;
    size_t refused =
        allocator_churn(1, 50000, 20) + allocator_churn_threads(4, 0, 9000, 16);
    for (int fd = 0; fd < 3; fd++)
        if (fstat(fd, &after) || after.st_size != 0)
            return WROTE;
    return refused ? REFUSED : FINE;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc == 2)
        return inside();
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
    allocator_again("inside");
}
