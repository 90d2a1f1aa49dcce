/* expect: double free mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *q = malloc(bytes);
    free(p);
    memset(hide(malloc(bytes / 2 + 900)), 1, bytes / 2);
    free(hide(p));
    free(q);
}
