/* expect: operator delete: the size is not level=1 */
#include "death.h"

#include <new>

void misuse(size_t bytes)
{
    std::align_val_t align{64};
    operator delete(hide(operator new(bytes, align)), bytes + 1, align);
}
