/*
 * A module opened with RTLD_DEEPBIND, as PHP opens its extensions, finds libc's free before
 * ours and hands it our blocks. So the flag is taken away, and the module finds what the
 * program finds. In libchunky.so only. Source: dlopen(3). No state.
 */
#include "base/compiler.h"
#include "front/options.h"
#include "front/override.h"

#include <dlfcn.h>

#if CHUNKY_OVERRIDE && defined(RTLD_DEEPBIND)

union next_dlopen {
    void *object;
    void *(*function)(const char *file, int mode);
};

PUBLIC void *dlopen(const char *file, int mode)
{
    union next_dlopen next = {.object = dlsym(RTLD_NEXT, "dlopen")};
    if (next.object == NULL)
        return NULL; /* dlerror tells */
    if (options_deepbind == 0 && override_won())
        mode &= ~RTLD_DEEPBIND;
    /* A tail call: libc looks in the RPATH of whoever it returns to. */
    return next.function(file, mode);
}

#endif
