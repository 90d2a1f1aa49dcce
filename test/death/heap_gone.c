/* expect: heap: destroyed already, or never created */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0);
    chunky_heap_malloc(a, bytes);
    chunky_heap_destroy(a);
    chunky_heap_destroy(hide(a));
}
