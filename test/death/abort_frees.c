/* expect: overwritten header sizes=small plain */
/* The program's handler of SIGABRT frees the block that was found: one report, and the end. */
#include "death.h"
#include <signal.h>

static char *p;

static void on_abort(int number)
{
    (void)number;
    free(p);
}

void misuse(size_t bytes)
{
    signal(SIGABRT, on_abort);
    p = malloc(bytes);
    *header(p) = 1;
    free(p);
}
