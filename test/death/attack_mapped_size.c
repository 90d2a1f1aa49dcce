/* expect: harmless sizes=huge */
/* A mapped block claims to be larger. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *header(p) += 1 << 20;
    free(p);
    try_to_profit(bytes);
}
