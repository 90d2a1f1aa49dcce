/* expect: into the middle sizes=small,large,huge */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    struct chunky_heap *a = chunky_heap_create("a", 0);
    char *p = chunky_heap_malloc(a, bytes);
    memset(p, 0x41, bytes);
    free(hide(p + 32));
}
