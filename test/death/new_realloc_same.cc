/* expect: mismatch: block of operator new[] level=1 sizes=tiny,small,large,huge */
#include "death.h"

#include <new>

void misuse(size_t bytes)
{
    realloc(hide(operator new[](bytes)), bytes);
}
