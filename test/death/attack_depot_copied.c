/* expect: harmless sizes=tiny,small */
/* Freed blocks, in caches and depots by now, are written over with each other, headers
 * and all; half of them with larger ones'. */
#include "death.h"

void misuse(size_t bytes)
{
    enum { COUNT = 4000 };
    static char *block[COUNT], *larger[COUNT];
    char *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    for (int i = 0; i < COUNT; i++) {
        block[i] = malloc(bytes);
        larger[i] = malloc(bytes + 160);
    }
    guard_range(victim, bytes);
    for (int i = 0; i < COUNT; i++) {
        free(block[i]);
        free(larger[i]);
    }
    for (int i = 0; i + 1 < COUNT; i++) {
        char *from = i % 2 == 0 ? block[i + 1] : larger[i];
        memcpy(hide(block[i] - 16), hide(from - 16), 16 + (bytes < 24 ? 8 : 24));
    }
    try_to_profit(bytes);
    try_to_profit(bytes + 160);
}
