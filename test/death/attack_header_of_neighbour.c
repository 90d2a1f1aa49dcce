/* expect: harmless sizes=small */
/* A header copied from a larger block: it is right only at its own address. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    char *q = malloc(2 * bytes);
    *header(p) = *header(q);
    free(p);
    try_to_profit(bytes);
}
