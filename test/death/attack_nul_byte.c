/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G plain */
/* One NUL too far clears P of a chunk whose size is a multiple of 256, in front of it a
 * fake free chunk that reaches over a live block. */
#include "death.h"

void misuse(size_t bytes)
{
    (void)bytes;
    char *p = malloc(504), *victim = malloc(504), *q = malloc(504), *r = malloc(504),
         *wall = malloc(504);
    memset(victim, 0x11, 504);
    guard_range(victim, 504);
    uint64_t *fake = hide(p);
    fake[1] = (*header(p) & 0xffff000000000000) | 1008 | HEADER_P;
    fake[2] = fake[3] = (uint64_t)fake;
    *(uint64_t *)hide(r - 16) = (uint64_t)(r - 16 - (char *)fake);
    *((char *)header(r)) &= (char)~HEADER_P;
    free(r);
    free(q);
    try_to_profit(1000);
    free(wall);
}
