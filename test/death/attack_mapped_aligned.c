/* expect: harmless sizes=huge plain */
/* An aligned block of a mapping of its own: what stands before it, and its header, become
 * those of a live mapping that lies elsewhere. */
#include "death.h"

void misuse(size_t bytes)
{
    char *victim = malloc(bytes),
         *p = aligned_alloc(65536, bytes / 65536 * 65536 + 65536);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    memcpy(hide(p - 16), hide(victim - 16), 16);
    free(p);
    try_to_profit(bytes);
    p = realloc(hide(victim), 3 * bytes);
    if (p != victim)
        exit(0);
    try_to_profit(bytes);
}
