/* expect: harmless level=1 sizes=tiny,small plain */
/* The header of a cached block says 16 bytes more: malloc would write the canary over the
 * header and the first words of the live block behind. */
#include "death.h"

enum { COUNT = 8 };

void misuse(size_t bytes)
{
    bytes = (bytes + 15) / 16 * 16 + 6; /* the least slack */
    char *p[COUNT];
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(bytes);
    size_t step = *header(p[0]) & 0xfff0;
    for (int i = 0; i < COUNT * COUNT; i++) {
        char *cached = p[i / COUNT], *victim = p[i % COUNT];
        if (victim != cached + step)
            continue;
        memset(victim, 0x11, bytes);
        guard_range(victim, bytes);
        free(cached);
        *(uint32_t *)header(cached) += 16;
        malloc(bytes);
        try_to_profit(bytes);
        return;
    }
}
