/* expect: harmless sizes=tiny,small */
/* Blocks that were flushed to a depot are written over, headers kept. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 5000 };
    static char *block[COUNT];
    char *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(bytes);
    for (int i = 0; i < COUNT; i++)
        free(block[i]);
    for (int i = 0; i < COUNT; i++)
        for (size_t at = 0; at + 8 <= bytes && at < 32; at += 8)
            *(uint64_t *)hide(block[i] + at) = (uint64_t)(victim - 16);
    try_to_profit(bytes);
}
