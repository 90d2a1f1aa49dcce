/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* A partial overwrite of the low bytes of fd: the link leads nearby. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes), *wall = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(p);
    *(uint16_t *)hide(p) = (uint16_t)(uintptr_t)(victim - 16);
    try_to_profit(bytes);
    free(wall);
}
