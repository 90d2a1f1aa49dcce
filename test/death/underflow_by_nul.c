/* expect: overwritten header | heap underflow */
#include "death.h"

/* The header's last byte is zero by chance in one block of 256: not in all of these. */
void misuse(size_t bytes)
{
    enum { COUNT = 16 };
    char *p[COUNT];
    for (int i = 0; i < COUNT; i++) {
        p[i] = malloc(bytes);
        ((char *)hide(p[i]))[-1] = '\0';
    }
    for (int i = 0; i < COUNT; i++)
        free(p[i]);
}
