/* expect: invalid pointer | into the middle | mismatch sizes=tiny,small,large */
/* The first member's address was kept, not the block's: delete through a second base. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes + 64);
    memset(p, 0x41, bytes + 64);
    free(hide(p + 16));
}
