/* expect: malloc_usable_size: invalid pointer sizes=tiny,small,large */
#include "fence.h"

void misuse(size_t bytes)
{
    printf("%zu\n", malloc_usable_size(hide(fence_behind(malloc(bytes)))));
}
