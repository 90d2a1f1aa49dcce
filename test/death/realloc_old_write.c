/* expect: write after free | use after free: write level=2 sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    char *q = realloc(p, 20 * bytes + 600);
    *(volatile char *)hide(p) = 1;
    free(q);
    churn(20000);
}
