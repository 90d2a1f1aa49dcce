/* A library with thread-local storage, for acceptance case 8: 4 KiB that the loader
 * allocates for each thread, or (TLS_STATIC) a word of the static block, where room is
 * scarce. */
#include "base/compiler.h"

int use_tls(int n);

#ifdef TLS_STATIC
static TLS_INITIAL_EXEC int tls_sum[1];
#else
static _Thread_local int tls_sum[1024];
#endif

/* n at the first call in a thread, 2n at the second, and so on anew. */
PUBLIC int use_tls(int n)
{
    int *sum = &tls_sum[sizeof tls_sum / sizeof *tls_sum - 1];
    *sum += n;
    int now = *sum;
    if (now == 2 * n)
        *sum = 0;
    return now;
}
