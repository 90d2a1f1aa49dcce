/* expect: double free mapped=1 */
#include "death.h"

#include <new>

void misuse(size_t bytes)
{
    int *p = (int *)operator new(bytes);
    operator delete(p);
    operator delete(hide(p));
}
