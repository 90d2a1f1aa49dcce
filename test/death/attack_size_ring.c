/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G */
/* The ring of sizes of a large bin leads past a smaller chunk to one that claims to be
 * larger: a copied header, links that agree with each other. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *w = malloc(40), *q = malloc(bytes + 48), *x = malloc(40),
         *victim = malloc(4 * bytes);
    memset(victim, 0, 4 * bytes);
    free(p);
    free(q);
    malloc(9 * bytes + 9000);
    uint64_t *a = (uint64_t *)hide(p) - 2, *b = (uint64_t *)hide(q) - 2;
    uint64_t *fake = (uint64_t *)victim + 16;
    fake[1] = b[1] + 2 * bytes / 16 * 16;
    fake[2] = fake[3] = (uint64_t)fake;
    fake[4] = (uint64_t)a;
    fake[5] = (uint64_t)b;
    a[5] = b[4] = (uint64_t)fake;
    guard_range(victim, 4096);
    try_to_profit(2 * bytes);
    free(w);
    free(x);
}
