/* expect: double free mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    void *p = aligned_alloc(256, bytes);
    free(p);
    free(hide(p));
}
