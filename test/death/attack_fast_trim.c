/* expect: harmless sizes=tiny conf=cache=0 */
/* A link of a fast bin leads to a cached header's copy inside a live block; then all fast
 * bins are merged. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(40), *q = malloc(40), *victim = malloc(4000 + bytes);
    uint64_t *fake = (uint64_t *)victim;
    memset(victim, 0, 4000);
    free(q);
    free(p);
    for (int i = 0; i < 400; i += 6) {
        fake[i + 1] = *header(i % 12 == 0 ? p : q);
        fake[i + 2] = 0;
    }
    guard_range(victim, 4000);
    *(uint64_t *)hide(p) = (uint64_t)(fake + 6);
    *(uint64_t *)hide(q) = (uint64_t)(fake + 12);
    malloc_trim(0);
    try_to_profit(40);
}
