/* expect: double free | into free memory sizes=tiny,small */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 40 };
    char *block[COUNT];
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(bytes);
    char *last = malloc(bytes);
    for (int i = 0; i < COUNT; i++)
        free(block[i]);
    malloc_trim(1 << 20);
    free(hide(block[COUNT / 2]));
    free(last);
}
