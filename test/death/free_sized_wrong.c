/* expect: free_sized: the size is not level=1 */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    chunky_free_sized(malloc(bytes), bytes + 8);
}
