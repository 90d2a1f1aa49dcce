/* expect: harmless sizes=large plain */
/* A mapping that was freed and is kept has a header like a binned chunk's. Links of a free
 * chunk are turned there, and what would tell is written: fd and bk, the clean range, the
 * footer, and P of the mapping behind. */
#include "kept.h"

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
    kept_link(kept, size, above, p);
    char *got = malloc(bytes), *again = malloc(HUGE_BYTES);
    if (got >= again && got < again + HUGE_BYTES)
        guard_range(got, bytes);
    try_to_profit(bytes);
    memset(again, 0x33, HUGE_BYTES);
    try_to_profit(bytes);
    free(wall);
}
