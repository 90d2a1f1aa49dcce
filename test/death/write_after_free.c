/* expect: write after free | use after free: write level=2 mapped=3 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    ((volatile char *)hide(p))[bytes / 2] = 1;
}
