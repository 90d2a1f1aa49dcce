/* expect: harmless sizes=tiny,small plain */
/* Another thread has freed blocks of this arena; they are written over on their way. */
#include "death.h"

enum { COUNT = 3000 };
static char *block[COUNT];

static void free_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < COUNT; i++)
        free(block[i]);
}

void misuse(size_t bytes)
{
    char *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    for (int i = 0; i < COUNT; i++)
        block[i] = malloc(bytes);
    in_thread(free_all, NULL);
    for (int i = 0; i < COUNT; i++) {
        for (size_t at = 0; at + 8 <= bytes; at += 8)
            *(uint64_t *)hide(block[i] + at) = (uint64_t)(victim - 16);
        if (i % 2 != 0)
            *header(block[i]) += 32;
    }
    try_to_profit(bytes);
}
