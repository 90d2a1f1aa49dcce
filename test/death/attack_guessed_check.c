/* expect: harmless sizes=small */
/* A larger size and a guess of its check. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *header(p) = (*header(p) + 256) ^ 0x1234000000000000;
    free(p);
    try_to_profit(bytes);
}
