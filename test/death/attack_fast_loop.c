/* expect: harmless sizes=tiny conf=cache=0 */
/* A fast bin turned into a loop: the same chunk would be handed out twice. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(40), *q = malloc(40), *wall = malloc(bytes);
    free(q);
    free(p);
    *(uint64_t *)hide(q) = (uint64_t)(p - 16);
    try_to_profit(40);
    free(wall);
}
