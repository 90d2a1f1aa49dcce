/* expect: heap: the block is not of this heap */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    chunky_heap_free(chunky_heap_create("a", 0), malloc(bytes));
}
