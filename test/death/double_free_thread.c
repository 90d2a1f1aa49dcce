/* expect: double free mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    in_thread(free, hide(p));
    free(hide(p));
}
