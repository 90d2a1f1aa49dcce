/* expect: harmless plain */
/* The list of dirty chunks is led to a free chunk of 32 bytes. It has no such links: those
 * words are the first of the block behind it, where a right free would write. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 4, SMALL = 20, LARGE = 100000 };
    char *p[COUNT], *small = malloc(SMALL), *behind = malloc(SMALL);
    free(small);
    malloc_trim(1 << 20);
    for (int i = 0; i < COUNT; i++) {
        p[i] = memset(malloc(LARGE), 1, LARGE);
        malloc(LARGE / 2); /* a wall */
    }
    for (int i = 0; i + 1 < COUNT; i++)
        free(p[i]); /* the cache takes some, the arena the last one */
    uint64_t *dirty = hide(p[COUNT - 2]);
    dirty[5] = (uintptr_t)small - 16;
    *(uint64_t *)hide(behind) = (uintptr_t)dirty - 16;
    for (int i = 0; i < COUNT && malloc(LARGE) != dirty; i++)
        ; /* out of the list */
    free(behind);
    char *victim = malloc(SMALL);
    memset(victim, 0x11, SMALL);
    guard_range(victim, SMALL);
    free(p[COUNT - 1]);
    try_to_profit(bytes);
}
