/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    ((volatile char *)hide(p))[bytes] = 1;
    free(p);
}
