/* expect: mismatch: block of operator new level=1 sizes=tiny,small,large */
#include "death.h"

#include <new>

void misuse(size_t bytes)
{
    void *p = realloc(hide(operator new(bytes)), 2 * bytes + 100);
    free(p);
}
