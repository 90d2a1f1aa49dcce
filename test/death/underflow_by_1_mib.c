/* expect: heap overflow | overwritten header | heap underflow sizes=tiny,small,large */
#include "death.h"

/* From the end of a heap of some MiB back over whatever lies there. */
void misuse(size_t bytes)
{
    enum { COUNT = 400 };
    static char *wall[COUNT];
    for (int i = 0; i < COUNT; i++)
        wall[i] = malloc(20000);
    char *p = malloc(bytes);
    if (p < wall[0] + (1 << 20))
        p = wall[COUNT - 1];
    memset((char *)hide(p) - (1 << 20), 68, 1 << 20);
    free(p);
    for (int i = 0; i < COUNT; i++)
        free(wall[i]);
}
