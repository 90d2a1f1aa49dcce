/* expect: operator delete: the size is not level=1 */
#include "death.h"

#include <new>

void misuse(size_t bytes)
{
    operator delete(hide(operator new(bytes)), bytes + 1);
}
