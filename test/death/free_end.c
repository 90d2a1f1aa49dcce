/* expect: into the middle | free already | invalid pointer | double free sizes=tiny,small,large */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(hide(p + (bytes + 15) / 16 * 16));
    free(p);
}
