/* expect: harmless sizes=huge plain */
/* A mapped block's own header from before realloc made it smaller is put back: what was
 * mapped behind it since would be copied from, or unmapped. */
#include "death.h"

#include <sys/mman.h>

void misuse(size_t bytes)
{
    char *p = malloc(8 * bytes);
    uint64_t old = *header(p);
    char *cut = realloc(hide(p), 2 * bytes);
    char *behind = mmap(cut - 16 + 4 * bytes / 4096 * 4096, bytes,
                        PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(behind, 0x11, bytes);
    guard_range(behind, bytes);
    *header(cut) = old;
    free(cut);
    try_to_profit(bytes);
}
