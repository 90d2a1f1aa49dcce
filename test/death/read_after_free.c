/* expect: use after free: read level=3 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    printf("%d\n", ((volatile char *)hide(p))[bytes / 2]);
}
