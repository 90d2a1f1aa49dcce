/* expect: mismatch: block of operator new[] freed level=1 sizes=tiny,small,large */
#include "death.h"

#include <new>

void misuse(size_t bytes)
{
    operator delete(hide(operator new[](bytes)));
}
