/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* The footer of a free chunk says that it starts earlier. */
#include "death.h"

void misuse(size_t bytes)
{
    char *victim = malloc(bytes), *p = malloc(bytes), *next = malloc(bytes),
         *wall = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(p);
    *(uint64_t *)(next - 16) += (bytes + 23) / 16 * 16;
    free(next);
    try_to_profit(2 * bytes);
    free(wall);
}
