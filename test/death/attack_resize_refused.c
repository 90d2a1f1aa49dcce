/* expect: harmless sizes=huge plain */
/* While realloc waits for the kernel, which refuses after a while, the size of the mapped block
 * is overwritten: what was asked for is recorded anew where the block ends, and that would be
 * in the next one. At level 0 it is a named heap's blocks that have such a record. */
#include "chunky.h"
#include "death.h"
#include <errno.h>

enum { BYTES = 1 << 20, FURTHER = 2048 };

static char *volatile resized;

void *mremap(void *old, size_t size, size_t now, int flags, ...)
{
    uint32_t forged = (uint32_t)*header(resized) + FURTHER;
    memcpy(header(resized), &forged, sizeof forged);
    errno = ENOMEM;
    return (void *)-1;
}

static void attack(struct chunky_heap *heap)
{
    char *victim = memset(malloc(BYTES), 0x11, BYTES);
    resized = heap != NULL ? chunky_heap_malloc(heap, BYTES) : malloc(BYTES);
    guard_range(victim, 4096);
    memset(resized, 0x22, BYTES);
    if (heap != NULL)
        chunky_heap_realloc(heap, resized, (size_t)1 << 46);
    else
        realloc(resized, (size_t)1 << 46);
}

void misuse(size_t bytes)
{
    attack(NULL);
    attack(chunky_heap_create("refused", 0));
    try_to_profit(bytes);
}
