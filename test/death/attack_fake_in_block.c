/* expect: harmless sizes=small */
/* A chunk inside a live block, with the header of that block. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes + 512);
    uint64_t *inside = (uint64_t *)(p + 32);
    memset(p, 0, bytes + 512);
    inside[1] = *header(p);
    guard_range(p, bytes + 512);
    free(hide(inside + 2));
    try_to_profit(bytes);
}
