/* expect: heap overflow level=1 sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(0 * bytes);
    ((volatile char *)hide(p))[0] = 1;
    free(p);
}
