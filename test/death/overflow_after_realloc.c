/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = realloc(malloc(bytes), bytes + 333);
    ((volatile char *)hide(p))[bytes + 333] = 7;
    free(p);
}
