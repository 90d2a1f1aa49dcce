/* expect: harmless sizes=small */
/* NON_MAIN_ARENA flipped: the arena would be looked for where there is none. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *header(p) ^= HEADER_A;
    free(p);
    try_to_profit(bytes);
}
