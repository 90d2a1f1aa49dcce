/* expect: invalid pointer sizes=tiny plain */
/* The stack of another thread, that has ended or not. */
#include "death.h"

static void *other;

static void leave(void *unused)
{
    char block[256];
    other = (void *)(((uintptr_t)hide(block) + 31) / 16 * 16);
}

void misuse(size_t bytes)
{
    in_thread(leave, NULL);
    free(other);
}
