/* expect: harmless sizes=small */
/* Each byte of a header in turn, changed alone. */
#include "death.h"

void misuse(size_t bytes)
{
    for (unsigned at = 0; at < 8; at++) {
        char *p = malloc(bytes), *victim = malloc(bytes);
        memset(victim, 0x11, bytes);
        guard_range(victim, bytes);
        ((unsigned char *)header(p))[at] ^= (unsigned char)(0x40 + at);
        if (bytes % 8 == at)
            free(p);
    }
    try_to_profit(bytes);
}
