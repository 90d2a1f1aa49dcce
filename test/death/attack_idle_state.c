/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* A chunk in a bin says of itself that it is in another kind of list, one by one. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    for (uint64_t flip = 2; flip <= 10; flip += 2) {
        char *q = malloc(bytes), *wall = malloc(40);
        free(q);
        *header(q) ^= flip;
        free(wall);
    }
    free(p);
    try_to_profit(bytes);
}
