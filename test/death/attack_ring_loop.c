/* expect: harmless sizes=tiny,small conf=cache=0 plain */
/* The link of a free chunk leads to itself, in a fast bin or in a ring: mallinfo, which
 * counts what is free, would go round for ever. */
#include "death.h"
#include <unistd.h>

enum { COUNT = 6, SECONDS = 20 };

void misuse(size_t bytes)
{
    char *p[COUNT];
    for (int i = 0; i < COUNT; i++) {
        p[i] = malloc(bytes);
        malloc(bytes); /* a wall */
    }
    for (int i = 0; i < COUNT; i++)
        free(p[i]);
    if (bytes > 50)
        malloc_trim(0); /* out of the fast bins */
    *(uint64_t *)hide(p[COUNT / 2]) = (uintptr_t)p[COUNT / 2] - 16;
    alarm(SECONDS);
    mallinfo2();
}
