/* expect: overwritten header | heap overflow sizes=tiny,small,large conf=cache=0 */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 8 };
    char *block[COUNT];
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(bytes);
    for (int i = 0; i < COUNT; i++)
        memset(hide(block[i]), 68, malloc_usable_size(block[i]) + 8);
    for (int i = 0; i < COUNT; i++)
        free(block[i]);
}
