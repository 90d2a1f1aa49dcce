/* expect: harmless sizes=huge plain */
/* While realloc waits for the kernel, which takes its time here, another thread frees the same
 * mapped block, and gets its place for a block of its own: the kernel would move that. */
#include "death.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BYTES = 64 << 20 };

static atomic_int inside;
static char *shared;

void *mremap(void *old, size_t size, size_t now, int flags, ...)
{
    if (inside == 0) {
        inside = 1;
        usleep(100000);
    }
    return (void *)syscall(SYS_mremap, old, size, now, flags);
}

static void *other(void *unused)
{
    (void)unused;
    while (inside == 0)
        usleep(100);
    free(shared);
    char *victim = malloc(BYTES);
    return victim == NULL ? NULL : memset(victim, 0x11, BYTES);
}

void misuse(size_t bytes)
{
    pthread_t thread;
    void *victim;
    shared = malloc(BYTES);
    pthread_create(&thread, NULL, other, NULL);
    char *p = realloc(shared, 2 * (size_t)BYTES);
    inside = 1;
    pthread_join(thread, &victim);
    if (p[BYTES / 2] == 0x11)
        exit(42);
    guard_range(victim, 4096);
    try_to_profit(bytes);
}
