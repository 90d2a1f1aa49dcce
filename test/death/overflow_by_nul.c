/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    memset(p, 65, bytes);
    ((volatile char *)hide(p))[bytes] = 0;
    free(p);
}
