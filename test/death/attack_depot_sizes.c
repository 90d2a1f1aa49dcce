/* expect: harmless sizes=tiny,small */
/* The same, with the sizes in their headers grown. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 5000 };
    static char *block[COUNT];
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(bytes);
    for (int i = 0; i < 90; i += 7)
        guard_range(block[i], bytes);
    for (int i = 0; i < COUNT; i++)
        if (i % 7 != 0)
            free(block[i]);
    for (int i = 0; i < COUNT; i++)
        if (i % 7 != 0)
            *header(block[i]) += 64;
    try_to_profit(bytes);
}
