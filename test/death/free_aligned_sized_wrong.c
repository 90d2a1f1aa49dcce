/* expect: free_aligned_sized: the block is not aligned level=1 */
#include "chunky.h"
#include "death.h"

void misuse(size_t bytes)
{
    char *p = memalign(64, bytes);
    chunky_free_aligned_sized(p, (size_t)1 << 40, bytes);
}
