/* expect: double free | into free memory sizes=tiny,small plain */
/* Blocks that another arena's thread freed wait on the owner's remote list, or in its
 * depot; their old owner frees them once more. */
#include "death.h"

enum { MANY = 3000 };
static char *many[MANY];

static void free_many(void *unused)
{
    for (int i = 0; i < MANY; i++)
        free(many[i]);
}

void misuse(size_t bytes)
{
    for (int i = 0; i < MANY; i++)
        many[i] = malloc(bytes);
    in_thread(free_many, NULL);
    for (int i = MANY / 2; i < MANY; i++)
        free(hide(many[i]));
}
