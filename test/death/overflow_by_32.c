/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    static const char text[300100];
    char *p = malloc(bytes), *q = malloc(bytes);
    memcpy(hide(p), text, bytes + 32);
    free(p);
    free(q);
}
