/* expect: harmless sizes=small plain */
/* A kept mapping is used again with another alignment, so that its old header lies inside
 * the new block; links of a free chunk were turned there before. */
#include "death.h"
#include <stdbool.h>
#include <unistd.h>

enum { HUGE_BYTES = 40 << 20, PAGE = 4096 };

void misuse(size_t room)
{
    const size_t bytes = 600;
    char *p = malloc(bytes), *wall = malloc(bytes);
    free(p);
    malloc_trim(1 << 20);
    free(memalign(PAGE, HUGE_BYTES));
    char *kept = memalign(PAGE, HUGE_BYTES);
    free(kept);
    uint64_t *at = hide(kept), *from = hide(p);
    at[0] = at[1] = (uintptr_t)p - 16;
    from[0] = from[1] = (uintptr_t)kept - 16;
    char *victim = malloc(HUGE_BYTES - 2 * PAGE);
    bool inside = victim < kept && kept < victim + HUGE_BYTES - 3 * PAGE;
    uint64_t was[2] = {at[0], at[1]};
    malloc(bytes);
    if (inside && (was[0] != at[0] || was[1] != at[1]))
        _exit(42);
    try_to_profit(room);
    free(wall);
}
