/* expect: heap overflow level=1 */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    ((volatile char *)hide(p))[bytes] = 7;
    printf("%zu\n", malloc_usable_size(p));
}
