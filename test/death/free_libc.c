/* expect: invalid pointer sizes=tiny,small,huge */
/* A block of libc's own malloc. */
#include "death.h"

#include <dlfcn.h>

void misuse(size_t bytes)
{
    void *(*other)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "__libc_malloc");
    if (other == NULL)
        exit(77);
    free(hide(other(bytes)));
}
