/* expect: harmless sizes=large level=1 conf=mmap_threshold=1G */
/* A block's own header, as it was before realloc cut it, is put back: freed, it would be
 * as large as before, over what was handed out behind it. Level 0 has no record of which
 * of two right headers is the newer one: docs/security.md. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { WHOLE = 200000, VICTIMS = 200 };
    char *p = malloc(WHOLE), *wall = malloc(bytes);
    uint64_t old = *header(p);
    char *cut = realloc(hide(p), 80000);
    for (int i = 0; i < VICTIMS; i++) {
        char *victim = malloc(bytes);
        memset(victim, 0x11, bytes);
        if (victim > cut && victim < cut + WHOLE && cut == p) {
            guard_range(victim, bytes);
            i = VICTIMS;
        }
    }
    *header(cut) = old;
    free(cut);
    try_to_profit(WHOLE);
    free(wall);
}
