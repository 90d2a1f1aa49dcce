/* expect: harmless sizes=small plain */
/* The break is refused, so that the main arena has mapped heaps. The list of them, in the
 * first page of the newest, is led to where a kept mapping lies, which so seems to be one. */
#include "kept.h"
#include <sys/mman.h>
#include <unistd.h>

enum { SPAN = 64 << 20, BYTES = 3000, MOST = 1000 };

void misuse(size_t bytes)
{
    char *before = malloc(1), *in = before;
    char *end = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    mmap(end, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < MOST && (uintptr_t)in - (uintptr_t)before < SPAN; i++)
        in = malloc(60000);
    for (int i = 0; i < 5; i++)
        malloc(BYTES);
    char *p = malloc(BYTES), *wall = malloc(BYTES);
    uint64_t *heap = hide((void *)((uintptr_t)p & ~(uintptr_t)(SPAN - 1)));
    free(p);
    malloc_trim(1 << 20);
    free(malloc(HUGE_BYTES));
    char *above = malloc(HUGE_BYTES), *kept = malloc(HUGE_BYTES);
    size_t size = *header(kept) & 0xfffffffffff0;
    if (kept + size == above && (uintptr_t)in - (uintptr_t)before >= SPAN) {
        free(kept);
        kept_link(kept, size, above, p);
        heap[2] = (uintptr_t)kept & ~(uintptr_t)(SPAN - 1);
        char *got = malloc(BYTES), *again = malloc(HUGE_BYTES);
        if (got >= again && got < again + HUGE_BYTES)
            _exit(42);
    }
    try_to_profit(bytes);
    free(wall);
}
