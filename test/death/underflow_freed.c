/* expect: write after free: header | use after free level=2 sizes=tiny,small,large */
/* The header of a freed block, by its old owner; some processors read it first. */
#include "death.h"

void misuse(size_t bytes)
{
    char *p = malloc(bytes);
    free(p);
    ((char *)hide(p))[-4] ^= 0x55;
    for (int i = 0; i < 40; i++)
        churn(1000);
}
