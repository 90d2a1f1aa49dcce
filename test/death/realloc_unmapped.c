/* expect: realloc: invalid pointer: no memory is mapped level=3 sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    free(realloc(hide((void *)0x7770), bytes));
}
