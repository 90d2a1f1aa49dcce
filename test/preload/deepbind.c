/*
 * A module that is opened with RTLD_DEEPBIND, by a name that only the program's own RUNPATH
 * leads to. It has the program's malloc, so that blocks may change hands; with "kept" it has
 * libc's. deepbind MODULE [kept]
 */
#include "support/expect.h"

#include <dlfcn.h>
#include <string.h>

typedef void *allocate(size_t);
typedef allocate *which(void);
typedef char *take(const char *);
typedef void give(char *);

/* ISO C has no cast from an object to a function. */
union symbol {
    void *object;
    which *which;
    take *take;
    give *give;
};

static union symbol find(void *module, const char *name)
{
    union symbol found = {.object = dlsym(module, name)};
    REQUIRE(found.object != NULL);
    return found;
}

int main(int argc, char **argv)
{
    bool kept = argc > 2;
    REQUIRE(argc > 1);
    void *module = dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND);
    if (!module)
        fprintf(stderr, "%s\n", dlerror());
    REQUIRE(module != NULL);
    EXPECT((find(module, "plugin_malloc").which() == malloc) == !kept);
    if (!kept) {
        char *text = find(module, "plugin_take").take("taken there");
        EXPECT(strcmp(text, "taken there") == 0);
        free(text);
        find(module, "plugin_give").give(strdup("taken here"));
    }
    EXPECT(dlclose(module) == 0);
    EXPECT(dlopen("/no/such/module.so", RTLD_NOW | RTLD_DEEPBIND) == NULL);
    EXPECT(strstr(dlerror(), "/no/such/module.so") != NULL);
    return expect_done();
}
