/* expect: harmless sizes=tiny,small */
/* The bounds that stand at the start of another arena's heap are moved over what lies
 * behind it, and its first chunk into a live block; owner and seal stay. */
#include "death.h"

#include <sys/mman.h>

void misuse(size_t bytes)
{
    enum { MANY = 3000 };
    static char *many[MANY];
    char *victim = malloc(bytes);
    if ((*header(victim) & HEADER_A) == 0)
        exit(77);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    for (int i = 0; i < MANY; i++)
        many[i] = malloc(bytes);
    uint64_t *heap = (uint64_t *)((uint64_t)hide(victim) & ~(uint64_t)0x3ffffff);
    uint64_t end = heap[4];
    heap[2] = (uint64_t)victim;            /* next */
    heap[4] = heap[5] = end + (128 << 20); /* end and limit: beyond its span */
    heap[6] = (uint64_t)victim - 16;       /* first */
    for (int i = 0; i < MANY; i++)
        free(many[i]);
    malloc_trim(0);
    try_to_profit(bytes);
}
