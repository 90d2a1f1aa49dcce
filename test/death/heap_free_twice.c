/* expect: double free | invalid pointer mapped=1 */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0);
    void *p = chunky_heap_malloc(a, bytes);
    free(p);
    chunky_heap_free(a, hide(p));
}
