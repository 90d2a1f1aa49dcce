/* expect: double free mapped=1 */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    void *p = malloc(bytes);
    chunky_free_sized(p, bytes);
    chunky_free_sized(hide(p), bytes);
}
