/* expect: harmless sizes=tiny conf=cache=0 */
/* The link of a chunk in a fast bin leads into a live block that holds a header of
 * that size. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(40), *q = malloc(40), *victim = malloc(1000 + bytes);
    uint64_t *fake = (uint64_t *)victim;
    memset(victim, 0, 1000);
    fake[1] = *header(p);
    free(q);
    free(p);
    fake[3] = *header(p);
    guard_range(victim, 1000);
    *(uint64_t *)hide(p) = (uint64_t)fake;
    try_to_profit(40);
}
