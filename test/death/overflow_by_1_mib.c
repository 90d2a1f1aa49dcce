/* expect: heap overflow | overwritten header level=1 sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    static char *wall[400];
    char *p = malloc(bytes);
    for (int i = 0; i < 400; i++)
        wall[i] = malloc(50000 + i % 2);
    memset(hide(p), 67, bytes + (1 << 20));
    free(p);
}
