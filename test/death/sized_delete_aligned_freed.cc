/* expect: operator delete: double free level=1 */
#include "death.h"

#include <new>

void misuse(size_t bytes)
{
    std::align_val_t align{64};
    void *p = operator new(bytes, align);
    operator delete(hide(p), bytes, align);
    operator delete(hide(p), bytes, align);
}
