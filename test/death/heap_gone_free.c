/* expect: went with its heap sizes=tiny,small */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0);
    void *p = chunky_heap_malloc(a, bytes);
    chunky_heap_destroy(a);
    free(hide(p));
}
