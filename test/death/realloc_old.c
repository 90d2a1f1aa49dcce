/* expect: double free sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *wall = malloc(bytes);
    char *q = realloc(p, 20 * bytes + 600);
    free(hide(p));
    free(q);
    free(wall);
}
