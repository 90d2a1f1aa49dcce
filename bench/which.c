/* Prints the path of the library whose malloc this process got: the proof that a
 * preloaded allocator is really the one that is measured. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    Dl_info info;
    void *found = dlsym(RTLD_DEFAULT, "malloc");
    if (!found || !dladdr(found, &info))
        return 1;
    free(malloc(1)); /* it must also work */
    puts(info.dli_fname);
    return 0;
}
