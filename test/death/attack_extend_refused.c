/* expect: harmless sizes=small conf=mmap_threshold=1G plain */
/* While realloc waits for the kernel, which has no more room behind the heap, the size of the
 * block is overwritten: level 1 records what was asked for where it says that the block ends,
 * and what is copied must not end there either. */
#include "death.h"
#include <errno.h>
#include <signal.h>
#include <unistd.h>

enum { BYTES = 100000, MORE = 80 << 20, VICTIM = 64 };

static char *volatile resized, *volatile victim;

/* Nor was there any before, so that the heap is a mapping. */
void *sbrk(intptr_t more)
{
    if (resized != NULL && more > 0) {
        uint64_t size = (uint64_t)(victim + VICTIM - resized) & ~15ULL;
        uint64_t forged = size | (*header(resized) & 15);
        memcpy(header(resized), &forged, 6);
    }
    errno = ENOMEM;
    return (void *)-1;
}

/* What is told later was written before. */
static void told(int unused)
{
    for (int i = 0; i < VICTIM; i++)
        if (victim[i] != 0x11)
            _exit(42);
}

void misuse(size_t bytes)
{
    char stack[VICTIM];
    victim = memset(stack, 0x11, VICTIM);
    guard_range(victim, VICTIM);
    signal(SIGABRT, told);
    resized = memset(malloc(BYTES), 0x22, BYTES);
    realloc(resized, MORE);
    resized = NULL;
    try_to_profit(bytes);
}
