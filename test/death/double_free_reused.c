/* expect: double free | into the middle sizes=small conf=cache=0 plain */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *q = malloc(bytes), *r = malloc(bytes);
    free(p);
    free(q);
    char *both = malloc(2 * bytes);
    free(hide(q));
    free(both);
    free(r);
}
