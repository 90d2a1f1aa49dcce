/* expect: harmless sizes=tiny conf=cache=0 */
/* The link of a chunk in a fast bin leads to where another one of that bin was, before it
 * was merged: its old header stands in the middle of a live block. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { BEFORE = 2000 };
    char *before = malloc(BEFORE), *old = malloc(bytes), *wall = malloc(bytes);
    char *other = malloc(bytes), *last = malloc(bytes);
    free(before);
    free(old);
    malloc_trim(0);
    char *victim = malloc(BEFORE + bytes);
    if (hide(victim) != hide(before))
        exit(77);
    guard_range(victim, BEFORE + bytes);
    free(other);
    *(uint64_t *)hide(other) = (uint64_t)hide(old) - 16;
    try_to_profit(bytes);
    free(wall);
    free(last);
}
