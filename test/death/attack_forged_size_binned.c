/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* The same with a chunk in a bin. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(p);
    *header(p) += 2 * bytes;
    try_to_profit(bytes);
}
