/* The end of a heap: what a heap's last header stands before. */
#ifndef DEATH_FENCE_H
#define DEATH_FENCE_H

#include "death.h"

/* Of the heap that p lies in; the program ends if it lies in none. */
static char *fence_behind(char *p)
{
    enum { LEAST = 32 };
    uint64_t size = LEAST;
    if ((*header(p) & HEADER_M) != 0)
        exit(77);
    for (; size >= LEAST; p += size)
        size = *header(p) & 0xfffffffffff0;
    return p - size;
}

#endif
