/* expect: double free mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    realloc(p, 0);
    free(hide(p));
}
