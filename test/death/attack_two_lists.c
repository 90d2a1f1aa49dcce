/* expect: harmless sizes=small conf=fast_max=0 */
/* One block on two lists: merged with a free neighbour, then freed a second time into the
 * cache, whose next owner writes over what the bins believe in. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 300 };
    char *p[COUNT], *before = malloc(bytes), *twice = malloc(bytes),
                    *wall = malloc(bytes);
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(bytes);
    for (int i = 0; i < COUNT; i++)
        free(p[i]);
    free(twice);
    free(before);
    malloc_trim(1 << 20); /* caches go home: the two become one */
    malloc(bytes);
    free(hide(twice));
    try_to_profit(2 * bytes);
    free(wall);
}
