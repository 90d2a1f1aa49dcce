/* expect: malloc_usable_size: double free mapped=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    printf("%zu\n", malloc_usable_size(hide(p)));
}
