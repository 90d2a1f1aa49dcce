/* expect: harmless sizes=small */
/* The flag of a recorded request, with a record that lies. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes), *victim = malloc(bytes);
    memset(victim, 0x11, bytes);
    guard_range(victim, bytes);
    memset(p, 0xff, malloc_usable_size(p));
    *header(p) |= HEADER_R;
    printf("%zu\n", malloc_usable_size(p));
    free(p);
    try_to_profit(bytes);
}
