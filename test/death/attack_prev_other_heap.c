/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* P cleared and prev_size forged so that a block of this heap would merge backwards with
 * a live one of another, wherever that lies. */
#include "death.h"

static char *elsewhere;

static void allocate(void *bytes)
{
    elsewhere = malloc(*(size_t *)bytes);
}

void misuse(size_t bytes)
{
    in_thread(allocate, &bytes);
    char *p = malloc(bytes), *q = malloc(bytes);
    memset(elsewhere, 0x11, bytes);
    guard_range(elsewhere, bytes);
    *(uint64_t *)hide(q - 16) = (uint64_t)(q - elsewhere);
    *header(q) &= ~(uint64_t)HEADER_P;
    free(q);
    free(p);
    try_to_profit(bytes);
}
