/* expect: harmless sizes=small conf=cache=0,mmap_threshold=1G plain */
/* A large chunk's fd leads to a free chunk of 32 bytes, which would take its place in the ring
 * of sizes: it has no such links, those words are its footer and the header of the live block
 * behind it. */
#include "death.h"

void misuse(size_t bytes)
{
    char *before = malloc(200), *p = malloc(5000), *wall = malloc(100);
    char *other = malloc(5040), *small, *victim;
    malloc(100);
    small = malloc(20);
    victim = malloc(bytes);
    free(p);
    free(other);
    free(small);
    malloc_trim(1 << 20);
    malloc(9000); /* all into their bins */
    uint64_t *from = hide(p), *to = hide(small);
    if (*to == 0) /* it rests somewhere else, at higher levels */
        return;
    from[0] = (uintptr_t)small - 16;
    to[0] = to[1] = (uintptr_t)p - 16;
    to[2] = 0;
    uint64_t was = *header(victim) | HEADER_P;
    free(before);
    malloc_trim(1 << 20); /* merges both, and takes the large one out of its bin */
    if ((*header(victim) | HEADER_P) != was)
        exit(42);
    try_to_profit(bytes);
    free(wall);
}
