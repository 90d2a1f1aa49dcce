/* expect: realloc: invalid pointer sizes=tiny,small,large */
#include "fence.h"

void misuse(size_t bytes)
{
    printf("%p\n", realloc(hide(fence_behind(malloc(bytes))), bytes));
}
