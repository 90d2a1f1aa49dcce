/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* fd and bk of a binned chunk lead into a live block. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes), *wall = malloc(bytes);
    uint64_t *fake = (uint64_t *)victim;
    memset(victim, 0, bytes);
    free(p);
    malloc(bytes + 5000);
    uint64_t *links = hide(p);
    fake[1] = *header(p);
    fake[2] = fake[3] = (uint64_t)(links - 2);
    links[0] = links[1] = (uint64_t)fake;
    guard_range(victim, bytes);
    try_to_profit(bytes);
    free(wall);
}
