/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* The next header forged to look like a large free chunk. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *next = malloc(bytes), *victim = malloc(bytes),
         *wall = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *header(next) = (*header(next) + bytes) ^ 0xffff000000000002;
    free(p);
    try_to_profit(3 * bytes);
    free(wall);
}
