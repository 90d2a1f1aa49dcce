/* expect: invalid pointer sizes=tiny */
/* Memory that the program took from the break itself. */
#include "death.h"

#include <unistd.h>

void misuse(size_t bytes)
{
    char *p = sbrk(65536);
    memset(p, 0, 65536);
    free(hide((char *)(((uintptr_t)p + 15) / 16 * 16) + 16 * bytes));
}
