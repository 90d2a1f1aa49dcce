/* expect: no memory is mapped level=3 sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    printf("%zu\n", bytes + malloc_usable_size(hide((void *)0x4142434445464740)));
}
