/* expect: harmless sizes=small conf=mmap_threshold=1G,purge=2G */
/* The end at the start of another arena's heap moves down to just behind its first blocks:
 * when they are free, the heap would be given away with all live blocks behind them. */
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
    enum { LARGE = 300000, MANY = 400 };
    static char *many[MANY];
    uint64_t home = (uint64_t)hide(malloc(bytes)) & SPAN_MASK;
    if ((*header(malloc(bytes)) & HEADER_A) == 0)
        exit(77);
    /* Blocks at the very start of another heap than the thread's first. */
    int count = 0, front = -1;
    for (; count < MANY && front < 0; count++) {
        many[count] = malloc(LARGE);
        uint64_t at = (uint64_t)hide(many[count]);
        if ((at & SPAN_MASK) != home && (at & ~SPAN_MASK) < 4096)
            front = count;
    }
    if (front < 0)
        exit(77);
    uint64_t *heap = (uint64_t *)((uint64_t)hide(many[front]) & SPAN_MASK);
    char *wall = malloc(LARGE);
    while (((uint64_t)hide(malloc(LARGE)) & SPAN_MASK) == (uint64_t)heap)
        ; /* until another heap is the arena's newest */
    memset(wall, 0x11, LARGE);
    guard_range(wall, LARGE);
    signal(SIGSEGV, on_fault);
    heap[4] = (uint64_t)hide(wall); /* end: what precedes the wall would be the fence */
    free(many[front]);
    malloc_trim(0);
    try_to_profit(bytes);
}
