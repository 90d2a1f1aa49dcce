/* expect: invalid pointer sizes=tiny */
#include "death.h"

static __thread char block[256] __attribute__((aligned(16)));

void misuse(size_t bytes)
{
    free(hide(block + 16 * bytes % 240));
}
