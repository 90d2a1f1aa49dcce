/* expect: harmless sizes=tiny,small */
/* A thread ends while a block in its cache has the header of a larger one. */
#include "death.h"

static char *victim;

static void leave(void *bytes)
{
    size_t size = *(size_t *)bytes;
    char *small = malloc(size), *large = malloc(4 * size + 64), *behind = malloc(size);
    victim = behind;
    memset(behind, 0x11, size);
    guard_range(behind, size);
    free(large);
    free(small);
    *header(small) = *header(large);
}

void misuse(size_t bytes)
{
    in_thread(leave, &bytes);
    malloc_trim(0);
    try_to_profit(4 * bytes);
    free(victim);
}
