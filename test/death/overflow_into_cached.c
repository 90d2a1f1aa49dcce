/* expect: heap overflow sizes=tiny,small,large */
#include "death.h"

/* The header that is overwritten is that of a freed block which rests in the cache. */
void misuse(size_t bytes)
{
    enum { COUNT = 8 };
    char *block[COUNT];
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(bytes);
    for (int i = 1; i < COUNT; i += 2)
        free(block[i]);
    for (int i = 0; i < COUNT; i += 2)
        memset(hide(block[i]), 68, malloc_usable_size(block[i]) + 8);
    for (int i = 0; i < COUNT; i += 2)
        free(block[i]);
    malloc_trim(0);
}
