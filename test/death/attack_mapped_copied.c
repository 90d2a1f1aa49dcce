/* expect: harmless sizes=huge */
/* Memory that the program mapped itself gets the header and the number of a live mapped
 * block: freed, that block's pages would go. */
#include "death.h"

#include <sys/mman.h>

void misuse(size_t bytes)
{
    char *victim = malloc(bytes);
    char *own =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    memcpy(own, hide(victim - 16), 32);
    free(hide(own + 16));
    try_to_profit(bytes);
}
