/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = memalign(256, bytes);
    ((volatile char *)hide(p))[bytes] = 7;
    free(p);
}
