/* expect: to the stack | not aligned sizes=tiny plain */
#include "death.h"

#include <unistd.h>

void misuse(size_t bytes)
{
    free(hide(environ[0]));
}
