/* expect: harmless sizes=small conf=cache=0,fast_max=0,mmap_threshold=1G */
/* Two binned chunks of different sizes linked crosswise: the small one shall serve
 * a larger request. */
#include "death.h"

void misuse(size_t bytes)
{
    char *x = malloc(0x150 - 8), *wall = malloc(200), *y = malloc(0x120 - 8);
    char *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    free(x);
    free(y);
    malloc(9000);
    uint64_t *a = hide(x), *b = hide(y);
    a[0] = a[1] = (uint64_t)(b - 2);
    b[0] = b[1] = (uint64_t)(a - 2);
    guard_range(malloc(0x150 - 8), 0x150 - 8);
    memset(malloc(0x140 - 8), 0x22, 0x140 - 8);
    try_to_profit(bytes);
    free(wall);
}
