/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G */
/* The size links of a large bin lead into a live block. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *w = malloc(40), *q = malloc(bytes + 64),
         *victim = malloc(bytes);
    uint64_t *fake = (uint64_t *)victim;
    memset(victim, 0, bytes);
    free(p);
    free(q);
    malloc(2 * bytes + 9000);
    uint64_t *links = hide(p);
    fake[1] = *header(p);
    fake[2] = fake[3] = fake[4] = fake[5] = (uint64_t)(links - 2);
    links[2] = links[3] = (uint64_t)fake;
    guard_range(victim, bytes);
    try_to_profit(bytes + 32);
    free(w);
}
