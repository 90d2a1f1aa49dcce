/* expect: double free mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    in_thread(free, hide(p));
}
