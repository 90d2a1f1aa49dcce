/* expect: harmless sizes=large plain */
/* A mapping that was freed and is kept has a header like a binned chunk's. Links of a free
 * chunk are turned there, and what would tell is written: fd and bk, the clean range, the
 * footer, and P of the mapping behind. */
#include "death.h"

enum { HUGE_BYTES = 40 << 20, PAGE = 4096 };

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *wall = malloc(bytes);
    free(p);
    malloc_trim(1 << 20); /* to its large bin */
    free(malloc(HUGE_BYTES));
    char *above = malloc(HUGE_BYTES), *kept = malloc(HUGE_BYTES);
    size_t size = *header(kept) & 0xfffffffffff0;
    if (kept + size != above) {
        try_to_profit(bytes);
        return;
    }
    free(kept);
    uint64_t *at = hide(kept), *from = hide(p);
    uint64_t chunk = (uintptr_t)kept - 16;
    at[0] = at[1] = (uintptr_t)p - 16;
    at[2] = at[3] = 0;
    at[6] = chunk + PAGE;
    at[7] = chunk + size;
    header(above)[-1] = size;
    *header(above) &= ~(uint64_t)HEADER_P;
    from[0] = from[1] = chunk;
    char *got = malloc(bytes), *again = malloc(HUGE_BYTES);
    if (got >= again && got < again + HUGE_BYTES)
        guard_range(got, bytes);
    try_to_profit(bytes);
    memset(again, 0x33, HUGE_BYTES);
    try_to_profit(bytes);
    free(wall);
}
