/* expect: its owner was overwritten sizes=tiny,small */
/* What begins the heap of another arena is written over, as by a long underflow: its
 * owner would be a fake arena in a live block. */
#include "death.h"

void misuse(size_t bytes)
{
    char *fake = calloc(1, 65536), *p = malloc(bytes), *q = malloc(bytes);
    for (int i = 0; i < 20000 && (*header(p) & *header(q) & HEADER_A) == 0; i++) {
        p = malloc(bytes);
        q = malloc(bytes);
    }
    if ((*header(p) & *header(q) & HEADER_A) == 0)
        exit(77);
    memset(q, 0x11, bytes);
    guard_range(q, bytes);
    enum { MANY = 2000 }; /* more than a cache holds: they go home */
    static char *many[MANY];
    for (int i = 0; i < MANY; i++)
        many[i] = malloc(bytes);
    uint64_t *heap = (uint64_t *)((uint64_t)hide(p) & ~(uint64_t)0x3ffffff);
    heap[1] = (uint64_t)fake;
    free(p);
    for (int i = 0; i < MANY; i++)
        free(many[i]);
    p = realloc(hide(q), 3 * bytes + 3000);
    if (p != q)
        memset(p, 0x22, 3 * bytes);
    exit(0);
}
