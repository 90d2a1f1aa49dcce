/* expect: harmless sizes=large conf=cache=0,mmap_threshold=1G,purge=0 */
/* Large free chunks say which of their pages are clean and which chunk is dirty next: both
 * lead into a live block when memory is given back. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 6 };
    char *p[COUNT], *wall[COUNT], *victim = malloc(8 * bytes);
    memset(victim, 0x11, 8 * bytes);
    for (int i = 0; i < COUNT; i++) {
        p[i] = malloc(9 * bytes);
        wall[i] = malloc(40);
        memset(p[i], 1, 9 * bytes);
    }
    guard_range(victim, 8 * bytes);
    for (int i = 0; i < COUNT; i++) {
        free(p[i]);
        uint64_t *tail = hide(p[i]);
        if (i % 2 == 0)
            tail[4] = tail[5] = (uint64_t)victim;
        tail[6] = ((uint64_t)victim + 4095) / 4096 * 4096;
        tail[7] = tail[6] + 4 * 4096;
    }
    malloc_trim(0);
    try_to_profit(9 * bytes);
    for (size_t i = 0; i < 8 * bytes; i++)
        if (victim[i] != 0x11)
            _Exit(42);
}
