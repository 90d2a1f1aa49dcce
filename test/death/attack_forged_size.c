/* expect: harmless sizes=tiny,small */
/* A live block claims to be larger, is freed, and shall come back over its
 * neighbour. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *header(p) += (bytes + 23) / 16 * 16;
    free(p);
    try_to_profit(bytes);
}
