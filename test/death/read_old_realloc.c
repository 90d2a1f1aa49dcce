/* expect: use after free: read level=3 */
/* Read through the pointer from before realloc. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    memset(p, 0x41, bytes);
    realloc(hide(p), 3 * bytes + 5000);
    exit(((volatile char *)hide(p))[bytes / 2] == 0 ? 0 : 1);
}
