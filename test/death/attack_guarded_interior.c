/* expect: harmless sizes=small,large conf=check=3,guard_rate=1 */
/* Inside a guarded block stands a copy of its own header, and that is freed. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    memset(p, 0, bytes);
    memcpy(p + 16, hide(p - 16), 16);
    free(hide(p + 32));
    try_to_profit(bytes);
}
