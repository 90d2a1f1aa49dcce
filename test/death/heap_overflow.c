/* expect: heap overflow level=1 */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0);
    char *p = chunky_heap_malloc(a, bytes);
    p[bytes] = (char)(p[bytes] + 1);
    chunky_heap_free(a, p);
}
