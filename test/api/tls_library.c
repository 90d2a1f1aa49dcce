/* A library with thread-local storage, some of it of the kind that needs room in the
 * static block, for acceptance case 8. */
#include "base/compiler.h"

int use_tls(int n);

static _Thread_local char tls_large[4096];
static TLS_INITIAL_EXEC int tls_count;

PUBLIC int use_tls(int n)
{
    tls_count += n;
    tls_large[tls_count & 4095] = 1;
    if (tls_count == 2 * n) {
        tls_count = 0;
        return tls_large[n] + 2 * n - 1;
    }
    return tls_count;
}
