/* expect: overwritten header of a free chunk | write after free: header | overwritten header: | the bytes behind the block were overwritten | heap overflow: write behind sizes=small conf=cache=0,fast_max=0 plain */
/* Two bytes too far, into the header of a free chunk in a bin: what was overwritten is named, not
 * the next chunk of the list, which is where it is noticed. */
#include "death.h"

enum { COUNT = 6 };

void misuse(size_t bytes)
{
    char *before[COUNT], *p[COUNT];
    for (int i = 0; i < COUNT; i++) {
        before[i] = malloc(bytes);
        p[i] = malloc(bytes);
    }
    malloc(bytes);
    for (int i = 0; i < COUNT; i++)
        free(p[i]);
    malloc_trim(1 << 20);
    char *end = (char *)header(before[3]) + (*header(before[3]) & 0xfffff0);
    memset(before[3], 'A', (size_t)(end + 2 - before[3]));
    for (int i = 0; i < COUNT; i++)
        malloc(bytes);
    free(before[3]);
}
