/* expect: overwritten header */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    memset((char *)hide(p) - 8, 69, 8);
    free(p);
}
