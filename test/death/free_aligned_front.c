/* expect: invalid pointer | into free memory | double free sizes=tiny,small,large */
/* Where an aligned block would start, were it not aligned. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = memalign(1024, bytes);
    memset(p, 0x41, bytes);
    free(hide(p - 16));
}
