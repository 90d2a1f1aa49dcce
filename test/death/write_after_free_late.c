/* expect: write after free | use after free: write level=2 mapped=3 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    churn(5); /* few: what rests leaves in random order */
    ((volatile char *)hide(p))[0] = 1;
    churn(50000);
}
