/* expect: harmless sizes=small */
/* realloc believes the forged size and grows in place. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *header(p) += 4096;
    memset(realloc(p, bytes + 2048), 0x22, bytes + 2048);
    try_to_profit(bytes);
}
