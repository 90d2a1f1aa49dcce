/* expect: harmless sizes=small conf=fast_max=0,mmap_threshold=1G */
/* A refill takes a whole batch from one small bin: the last of them links on to a chunk
 * that was forged in a live block, with the header of a free one. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 64 };
    char *p[COUNT], *wall[COUNT], *victim = malloc(4096);
    for (int i = 0; i < COUNT; i++) {
        p[i] = malloc(bytes);
        wall[i] = malloc(bytes + 600);
    }
    for (int i = 0; i < COUNT; i++)
        free(p[i]);
    malloc_trim(1 << 20);
    memset(victim, 0, 4096);
    for (int i = 0; i < 4000 / 8; i += 4)
        memcpy(victim + 8 * i, hide(p[i / 4 % COUNT] - 16), 32);
    guard_range(victim, 4096);
    for (int i = 0; i < COUNT; i++) {
        uint64_t *links = hide(p[i]);
        links[1] = (uint64_t)victim + 32 * (uint64_t)i; /* bk */
    }
    try_to_profit(bytes);
    for (int i = 0; i < COUNT; i++)
        free(wall[i]);
}
