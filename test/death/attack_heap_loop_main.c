/* expect: harmless sizes=small conf=sbrk=0,mmap_threshold=1G plain */
/* The same in the main arena, which has mapped heaps here: of each free chunk it asks the
 * list whether it is one of its own. */
#include "death.h"
#include <unistd.h>

enum { EACH = 30000, COUNT = 5000, SECONDS = 20 };

void misuse(size_t bytes)
{
    static char *p[COUNT];
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(EACH);
    uint64_t *newest =
        (uint64_t *)((uintptr_t)hide(p[COUNT - 1]) & ~(uintptr_t)0x3ffffff);
    newest[2] = (uintptr_t)newest; /* next */
    alarm(SECONDS);
    for (int i = 0; i < COUNT; i += 2)
        free(p[i]);
    malloc_trim(0);
    try_to_profit(bytes);
}
