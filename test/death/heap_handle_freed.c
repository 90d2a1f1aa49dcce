/* expect: to Chunky's own records sizes=tiny */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0);
    chunky_heap_malloc(a, bytes);
    free(hide(a));
}
