/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    memset(hide(p), 66, bytes + 8);
    free(p);
}
