/* An allocator that is wrong on purpose: now and then it hands out a block that is
 * still in use. The smoke test wants to see the workloads notice. */
#include <stdlib.h>

extern void *__libc_malloc(size_t);
extern void __libc_free(void *);

void *malloc(size_t bytes)
{
    static _Thread_local unsigned calls;
    static _Thread_local void *kept;
    if (bytes != 64)
        return __libc_malloc(bytes);
    if (++calls % 500 == 0 && kept)
        return kept;
    return kept = __libc_malloc(bytes);
}

void free(void *mem)
{
    (void)mem; /* a block that was handed out twice must not be freed twice */
}
