/* expect: harmless sizes=small plain */
/* Links of two free chunks of different sizes are crossed, so that one stays head of the
 * other's bin after it was handed out: a right free would link a chunk through it. */
#include "death.h"
#include <unistd.h>

void misuse(size_t room)
{
    const size_t bytes = 600, other = 800; /* each in a bin of its own */
    char *x = malloc(bytes), *wall = malloc(3000), *y = malloc(other);
    malloc(3000);
    char *z = malloc(bytes);
    malloc(bytes);
    malloc(3000);
    for (int i = 0; i < 20; i++)
        malloc(3000);
    free(x);
    free(y);
    malloc_trim(1 << 20);
    uint64_t *a = hide(x), *b = hide(y);
    a[0] = a[1] = (uintptr_t)y - 16;
    b[0] = b[1] = (uintptr_t)x - 16;
    malloc(bytes);
    char *victim =
        malloc(other); /* somebody else's, who has not written its start yet */
    char was[16];
    memcpy(was, victim, sizeof was);
    memset(victim + sizeof was, 0x11, other - sizeof was);
    free(z);
    malloc_trim(1 << 20);
    if (memcmp(was, victim, sizeof was) != 0)
        _exit(42);
    try_to_profit(room);
    (void)wall;
}
