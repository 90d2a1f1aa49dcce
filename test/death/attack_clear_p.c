/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G */
/* Only P of the next block is cleared, as by a NUL one byte too far. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *next = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    *(uint64_t *)(next - 16) = (bytes + 23) / 16 * 16;
    *header(next) &= ~(uint64_t)HEADER_P;
    free(next);
    free(p);
    try_to_profit(2 * bytes);
}
