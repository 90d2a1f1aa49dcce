/* expect: heap: the block is not of this heap */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0), *b = chunky_heap_create("b", 0);
    chunky_heap_free(b, chunky_heap_malloc(a, bytes));
}
