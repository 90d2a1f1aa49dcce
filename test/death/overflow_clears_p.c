/* expect: heap overflow: sizes=small plain */
/* One NUL too far clears nothing but P of a header behind whose size is a multiple of 256:
 * the free that finds it is right, and is not called a second one. */
#include "death.h"

enum { BYTES = 0x1f8 };

void misuse(size_t bytes)
{
    char *p = malloc(BYTES), *next = malloc(BYTES);
    (void)bytes;
    for (int i = 0; i < 8 && next != p + BYTES + 8; i++) {
        p = next;
        next = malloc(BYTES);
    }
    p[BYTES] = 0;
    free(p);
    malloc_trim(0);
}
