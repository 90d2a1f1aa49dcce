/* expect: harmless sizes=small conf=mmap_threshold=1G */
/* The bounds at the start of another arena's heap shrink to one large block in its middle:
 * when that is freed, the heap would be given away with all live blocks in it. */
#include "death.h"

#include <signal.h>
#include <unistd.h>

#define SPAN_MASK (~(uint64_t)0x3ffffff)

/* The heap went away under its live blocks. */
static void on_fault(int number)
{
    _exit(42);
}

void misuse(size_t bytes)
{
    enum { LARGE = 300000 };
    char *victim = malloc(bytes), *large = malloc(LARGE), *wall = malloc(LARGE);
    if ((*header(victim) & HEADER_A) == 0)
        exit(77);
    uint64_t *heap = (uint64_t *)((uint64_t)hide(victim) & SPAN_MASK), at;
    do /* until another heap is the arena's newest */
        at = (uint64_t)malloc(LARGE) & SPAN_MASK;
    while (at == (uint64_t)heap);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    guard_range(wall, LARGE);
    signal(SIGSEGV, on_fault);
    heap[4] = (uint64_t)hide(wall);       /* end: what precedes it would be the fence */
    heap[6] = (uint64_t)hide(large) - 16; /* first */
    for (int i = 0; i < 100; i++) {
        free(large);
        large = malloc(LARGE);
    }
    try_to_profit(bytes);
}
