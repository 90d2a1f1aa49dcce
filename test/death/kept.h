/* A freed mapping that is kept, linked with a binned chunk as if it were one itself. */
#ifndef DEATH_KEPT_H
#define DEATH_KEPT_H

#include "death.h"

enum { HUGE_BYTES = 40 << 20, PAGE = 4096 };

/* `kept`, of `size` bytes with its header and freed, lies right below the mapping `above`;
 * `p` is a freed block, alone in its bin. */
static void kept_link(char *kept, size_t size, char *above, char *p)
{
    uint64_t *at = hide(kept), *from = hide(p);
    uint64_t chunk = (uintptr_t)kept - 16;
    at[0] = at[1] = (uintptr_t)p - 16;
    at[2] = at[3] = 0;
    at[6] = chunk + PAGE; /* what is clean */
    at[7] = chunk + size;
    header(above)[-1] = size;
    *header(above) &= ~(uint64_t)HEADER_P;
    from[0] = from[1] = chunk;
}

#endif
