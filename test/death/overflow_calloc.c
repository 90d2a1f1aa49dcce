/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = calloc(1, bytes);
    ((volatile char *)hide(p))[bytes] = 7;
    free(p);
}
