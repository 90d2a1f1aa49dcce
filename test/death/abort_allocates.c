/* expect: corrupted prev_size of a mapped block sizes=huge plain */
/* The program's handler of SIGABRT allocates and frees mapped blocks: the lock under which
 * the damage was found must not keep the process from its end. */
#include "death.h"
#include <signal.h>
#include <unistd.h>

enum { SECONDS = 20 };

static void on_abort(int number)
{
    (void)number;
    char *p = malloc(1 << 20), *q = malloc(100);
    if (p != NULL && q != NULL)
        p[0] = q[0] = 1;
    free(p);
    free(q);
}

void misuse(size_t bytes)
{
    signal(SIGABRT, on_abort);
    alarm(SECONDS);
    char *p = malloc(bytes);
    header(p)[-1] = 7; /* the record's number */
    free(p);
}
