/* expect: harmless sizes=tiny conf=cache=0 */
/* The same, to the stack. */
#include "death.h"

void misuse(size_t bytes)
{
    uint64_t fake[32] = {bytes};
    char *p = malloc(40), *q = malloc(40);
    free(q);
    free(p);
    fake[1] = *header(p);
    guard_range(fake, sizeof fake);
    *(uint64_t *)hide(p) = (uint64_t)fake;
    try_to_profit(40);
}
