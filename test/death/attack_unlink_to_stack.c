/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* fd and bk of a binned chunk lead to the stack, where a fake chunk points back. */
#include "death.h"

void misuse(size_t bytes)
{
    uint64_t fake[8] = {0};
    char *p = malloc(bytes), *wall = malloc(bytes);
    free(p);
    malloc(bytes + 5000);
    uint64_t *links = hide(p);
    fake[1] = *header(p);
    fake[2] = fake[3] = (uint64_t)(links - 2);
    links[0] = links[1] = (uint64_t)fake;
    guard_range(fake, sizeof fake);
    try_to_profit(bytes);
    free(wall);
}
