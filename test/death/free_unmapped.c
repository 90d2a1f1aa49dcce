/* expect: no memory is mapped level=3 sizes=tiny */
#include "death.h"

void misuse(size_t bytes)
{
    (void)bytes;
    free((void *)hide((void *)0x1230));
}
