/* expect: heap overflow: read level=3 sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    printf("%d\n", ((volatile char *)hide(p))[bytes + 16]);
    free(p);
}
