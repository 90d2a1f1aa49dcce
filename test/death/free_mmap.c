/* expect: invalid pointer: to memory that is none of Chunky's sizes=tiny */
#include "death.h"

#include <sys/mman.h>

void misuse(size_t bytes)
{
    char *p =
        mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(hide(p + 16 * bytes));
}
