/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* P set although the chunk before is free: it would be merged never, or twice. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *next = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(p);
    *header(next) |= HEADER_P;
    free(next);
    try_to_profit(bytes);
}
