/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* The same with a fake free chunk inside the block before. */
#include "death.h"

void misuse(size_t bytes)
{
    char *victim = malloc(bytes), *p = malloc(bytes), *old = malloc(bytes),
         *wall = malloc(bytes);
    free(old);
    malloc(bytes + 5000);
    uint64_t *fake = (uint64_t *)(victim + 16);
    memset(victim, 0, bytes);
    uint64_t room = (uint64_t)(p - 16) - (uint64_t)fake;
    fake[1] = (*header(old) & 0xffff00000000000f) | room;
    fake[2] = fake[3] = (uint64_t)fake;
    *(uint64_t *)(p - 16) = room;
    guard_range(victim, 16);
    *header(p) &= ~(uint64_t)HEADER_P;
    free(p);
    try_to_profit(2 * bytes);
    free(wall);
}
