/* expect: harmless sizes=small */
/* IS_MMAPPED on a heap block: free would unmap what lies around it. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *header(p) |= HEADER_M;
    free(p);
    try_to_profit(bytes);
}
