/* expect: harmless sizes=tiny,small */
/* The classic: free twice, be handed the same block twice. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *q = malloc(bytes);
    free(p);
    free(q);
    free(hide(p));
    try_to_profit(bytes);
}
