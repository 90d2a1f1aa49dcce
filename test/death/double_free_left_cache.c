/* expect: double free | into free memory mapped=1 sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 3000 };
    static char *block[COUNT];
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(bytes);
    char *last = malloc(bytes);
    for (int i = 0; i < COUNT; i++)
        free(block[i]);
    free(hide(block[COUNT / 2]));
    free(last);
}
