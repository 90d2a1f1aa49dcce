/* expect: double free | into free memory mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    for (unsigned i = 0; i < 200; i++)
        free(hide(malloc(bytes + 600 + 16 * i)));
    free(hide(p));
}
