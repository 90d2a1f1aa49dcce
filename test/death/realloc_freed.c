/* expect: realloc: double free mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    free(realloc(hide(p), bytes + 100));
}
