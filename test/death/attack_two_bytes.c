/* expect: harmless sizes=small */
/* A partial overwrite of the two low bytes: another size, the check left as it is. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *(uint16_t *)header(p) = 0x0801;
    free(p);
    try_to_profit(bytes);
}
