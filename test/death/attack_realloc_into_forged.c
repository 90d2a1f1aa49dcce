/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G */
/* A block grows into the free chunk behind it, whose size was forged to reach over a
 * live one. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *next = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(next);
    *header(next) += bytes / 16 * 16;
    p = realloc(p, 3 * bytes - 64);
    if (p != NULL)
        memset(p, 0x22, 3 * bytes - 64);
    try_to_profit(bytes);
}
