/* expect: free: invalid pointer sizes=tiny,small,large */
#include "fence.h"

void misuse(size_t bytes)
{
    free(hide(fence_behind(malloc(bytes))));
}
