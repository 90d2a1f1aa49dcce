/* expect: harmless sizes=tiny,small conf=cache=0 */
/* A chunk in a fast bin gets a larger size, with the header of a larger one that is free,
 * before the fast bins are merged: over the live block behind it. */
#include "death.h"

void misuse(size_t bytes)
{
    char *small = malloc(bytes), *victim = malloc(bytes),
         *large = malloc(2 * bytes + 8);
    char *wall = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(small);
    free(large);
    *header(small) = *header(large);
    malloc_trim(0);
    malloc(200000);
    try_to_profit(2 * bytes);
    free(wall);
}
