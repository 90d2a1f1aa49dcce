/* expect: harmless sizes=small plain */
/* The header of a mapped block of a named heap is forged to reach into the last of another
 * block; the heap's end, which gives the mapping back, would sign it and write there before
 * anything is told. */
#include "chunky.h"
#include "death.h"
#include <signal.h>
#include <unistd.h>

enum { MAPPED = 150000, TRIES = 4000, NEAR = 400000 };

static const uint64_t *tail;

/* The report comes first: at SIGABRT nothing may have been written. */
static void look(int number)
{
    (void)number;
    if (*tail != 0x1111111111111111)
        _exit(42);
}

void misuse(size_t bytes)
{
    struct chunky_heap *victim = chunky_heap_create("victim", 0);
    struct chunky_heap *other = chunky_heap_create("other", 0);
    char *live = chunky_heap_malloc(other, bytes),
         *next = chunky_heap_malloc(other, bytes);
    char *below = NULL;
    memset(live, 0x11, (size_t)(next - live) - 8);
    tail = (const uint64_t *)(const void *)(next - 16);
    for (int i = 0; i < TRIES && (below == NULL || below > live || live - below > NEAR);
         i++)
        below = chunky_heap_malloc(victim, MAPPED);
    malloc((size_t)100 << 20);
    signal(SIGABRT, look);
    *header(below) = (uint64_t)(next - below) | HEADER_P;
    chunky_heap_destroy(victim);
}
