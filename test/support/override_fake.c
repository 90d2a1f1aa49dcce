/* The unit tests' malloc stays libc's, and the break is the fake OS's own. */
#include "front/override.h"

bool override_won(void)
{
    return true;
}
